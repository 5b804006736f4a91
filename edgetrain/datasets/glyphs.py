"""Where generated writers have their letters from: handwriting fonts of npm's `@fontsource/*`, and Hershey's strokes.

All fonts are under the SIL Open Font License 1.1; `make install` fetches them, and none lies in this repository. The strokes are A. V.
Hershey's: "Calligraphy for Computers" (1967), out of the package Hershey-Fonts.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from edgetrain.errors import PackageMissing

Ink = npt.NDArray[np.uint8]

#: Pixels of a glyph's square, and of a capital H in it.
SQUARE: Final = 192
CAPITAL: Final = 64
FONTS: Final = (
    *("architects-daughter", "cedarville-cursive", "delius", "gloria-hallelujah", "handlee", "indie-flower"),
    *("neucha", "patrick-hand", "reenie-beanie", "shadows-into-light", "short-stack", "sue-ellen-francisco"),
)
STROKES: Final = ("futural", "rowmans", "scripts", "cursive")
HERSHEY: Final = "Hershey-Fonts"
FONTSOURCE: Final = Path(__file__).parents[2] / "node_modules" / "@fontsource"


class Alphabet(Protocol):
    """Draws letters that are alike."""

    def draw(self, letter: str, pen: float) -> Ink:
        """Ink 0..255 [SQUARE, SQUARE], the letter's box in the middle; `pen`: about how wide a stroke is, in pixels."""
        ...


@dataclass(frozen=True)
class FontAlphabet:
    """Outlines of a font, made bolder where the pen is wider than the font's own."""

    path: Path

    def draw(self, letter: str, pen: float) -> Ink:
        """See `Alphabet`."""
        font, own = _font(self.path)
        more = max(0.0, (pen - own) / 2)
        image = Image.new("L", (SQUARE, SQUARE))
        middle = (SQUARE / 2, SQUARE / 2)
        ImageDraw.Draw(image).text(middle, letter, fill=255, font=font, anchor="mm", stroke_width=more)
        return _centred(image)


@cache
def _font(path: Path) -> tuple[ImageFont.FreeTypeFont, float]:
    """The font in the size at which its H is a capital's height, and the width of its strokes there: that of an l."""
    trial = ImageFont.truetype(path, 100)
    top, bottom = trial.getbbox("H")[1::2]
    font = ImageFont.truetype(path, 100 * CAPITAL / (bottom - top))
    image = Image.new("L", (SQUARE, SQUARE))
    ImageDraw.Draw(image).text((SQUARE / 4, SQUARE / 4), "I", fill=255, font=font)
    inked = (np.asarray(image) > 127).sum(1)
    return font, float(np.median(inked[inked > 0]))


@dataclass(frozen=True)
class StrokeAlphabet:
    """Lines of one of Hershey's alphabets, drawn with a round pen."""

    name: str

    def draw(self, letter: str, pen: float) -> Ink:
        """See `Alphabet`."""
        strokes = _strokes(self.name, letter)
        points = np.concatenate(strokes)
        middle = (points.min(0) + points.max(0)) / 2 - SQUARE / 2
        image = Image.new("L", (SQUARE, SQUARE))
        drawing = ImageDraw.Draw(image)
        radius = pen / 2
        for stroke in strokes:
            at = [(float(x), float(y)) for x, y in stroke - middle]
            drawing.line(at, fill=255, width=max(1, round(pen)))
            for x, y in at:
                drawing.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
        return _centred(image)


def _centred(image: Image.Image) -> Ink:
    """The same with the ink's own box in the middle: fonts count the room beside a letter as its own."""
    box = image.getbbox() or (0, 0, SQUARE, SQUARE)
    centred = Image.new("L", (SQUARE, SQUARE))
    centred.paste(image.crop(box), ((SQUARE - box[2] + box[0]) // 2, (SQUARE - box[3] + box[1]) // 2))
    return np.asarray(centred)


@cache
def _strokes(name: str, letter: str) -> tuple[npt.NDArray[np.float64], ...]:
    """A letter's strokes, each [points, 2] (right, down), at a capital's height."""
    hershey = _hershey(name)
    heights = [y for stroke in hershey.strokes_for_text("H") for _, y in stroke]
    scale = CAPITAL / (max(heights) - min(heights))
    strokes = [np.asarray(list(stroke), np.float64) for stroke in hershey.strokes_for_text(letter)]
    return tuple(stroke * scale for stroke in strokes if len(stroke))


@cache
def _hershey(name: str) -> Any:
    from HersheyFonts import HersheyFonts

    hershey = HersheyFonts()
    hershey.load_default_font(name)
    return hershey


def alphabets(fontsource: Path = FONTSOURCE) -> tuple[Alphabet, ...]:
    """All there are, always in the same order.

    Raises:
        PackageMissing: a font's package is not installed.
    """
    fonts = [FontAlphabet(fontsource / name / "files" / f"{name}-latin-400-normal.woff") for name in FONTS]
    for name, font in zip(FONTS, fonts, strict=True):
        if not font.path.is_file():
            raise PackageMissing(
                f"the npm package @fontsource/{name} is not installed (no {font.path}): run `make install`"
            )
    return (*fonts, *(StrokeAlphabet(name) for name in STROKES))


def versions(fontsource: Path = FONTSOURCE) -> dict[str, str]:
    """Versions of the packages that the letters come from."""
    return dict(_versions(fontsource))


def _versions(fontsource: Path) -> Iterator[tuple[str, str]]:
    for name in FONTS:
        try:
            yield f"@fontsource/{name}", str(json.loads((fontsource / name / "package.json").read_text())["version"])
        except OSError as error:
            raise PackageMissing(f"the npm package @fontsource/{name} is not installed: run `make install`") from error
    yield HERSHEY, metadata.version(HERSHEY)
