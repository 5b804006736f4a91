"""The contact sheet of three generated writers: `python -m docs.generated_writers docs/images/generated-writers.png`."""

import sys
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from edgetrain.datasets.client_files import HoldOut
from edgetrain.datasets.generated import GeneratedWriters
from edgetrain.tasks.femnist import SIDE, Femnist

WRITERS: Final = (3, 5, 11)
COLUMNS, ROWS, ENLARGED, MARGIN, LINE = 20, 4, 2, 16, 26


def sheet() -> Image.Image:
    """Three writers one under the other, each with its name, its first samples and how many it has."""
    source = GeneratedWriters(Femnist(), max(WRITERS) + 1, 0, HoldOut())
    block = ROWS * SIDE * ENLARGED + LINE + MARGIN
    size = (COLUMNS * SIDE * ENLARGED + 2 * MARGIN, len(WRITERS) * block + MARGIN)
    image = Image.new("L", size, 255)
    drawing, font = ImageDraw.Draw(image), ImageFont.load_default(15)
    for place, number in enumerate(WRITERS):
        x, y = source.writer(number)
        top = MARGIN + place * block
        drawing.text((MARGIN, top), f"generated-{number:05d}: {len(y)} samples", fill=90, font=font)
        image.paste(_tiled(x), (MARGIN, top + LINE))
    return image


def _tiled(x: np.ndarray) -> Image.Image:
    shown = x[: ROWS * COLUMNS].reshape(ROWS, COLUMNS, SIDE, SIDE).transpose(0, 2, 1, 3)
    pixels = np.rint(shown.reshape(ROWS * SIDE, COLUMNS * SIDE) * 255).astype(np.uint8)
    return Image.fromarray(pixels).resize((COLUMNS * SIDE * ENLARGED, ROWS * SIDE * ENLARGED), Image.Resampling.NEAREST)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m docs.generated_writers FILE.png")
    sheet().save(Path(sys.argv[1]), optimize=True)
