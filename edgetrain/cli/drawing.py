"""Boxes with their labels, drawn on a picture."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from edgetrain.client.model_documents import DetectedDocument
    from edgetrain.detection.pictures import Rgb

#: The light ones of the palette of Okabe and Ito, which readers with any colour vision can tell apart; a class has always the same.
COLOURS: Final = ("#56B4E9", "#E69F00", "#009E73", "#F0E442", "#CC79A7")
EDGE: Final = "#000000"


def draw(rgb: "Rgb", detections: "Sequence[DetectedDocument]") -> Image.Image:
    """`rgb` (uint8 [height, width, 3]) with a labelled box for each detection, the best on top.

    Boxes are coloured within a black edge, so that they are seen on light and on dark; their lines and letters grow with the picture.
    """
    image = Image.fromarray(np.ascontiguousarray(rgb))
    canvas = ImageDraw.Draw(image)
    line = max(2, round(min(image.size) / 200))
    font = ImageFont.load_default(max(12, round(min(image.size) / 28)))
    for each in reversed(detections):
        _box(canvas, each, image.size, line)
    for each in reversed(detections):
        _label(canvas, each, image.size, line, font)
    return image


def _corners(each: "DetectedDocument", size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Pixels: left, top, right, bottom, all of them on the picture."""
    width, height = size
    left, top = round(each.xmin * (width - 1)), round(each.ymin * (height - 1))
    return left, top, max(left, round(each.xmax * (width - 1))), max(top, round(each.ymax * (height - 1)))


def _colour(each: "DetectedDocument") -> str:
    return COLOURS[each.label_index % len(COLOURS)]


def _box(canvas: ImageDraw.ImageDraw, each: "DetectedDocument", size: tuple[int, int], line: int) -> None:
    left, top, right, bottom = _corners(each, size)
    edge = max(1, line // 2)
    canvas.rectangle((left, top, right, bottom), outline=EDGE, width=line + 2 * edge)
    inner = (left + edge, top + edge, max(left + edge, right - edge), max(top + edge, bottom - edge))
    canvas.rectangle(inner, outline=_colour(each), width=line)


def _label(
    canvas: ImageDraw.ImageDraw,
    each: "DetectedDocument",
    size: tuple[int, int],
    line: int,
    font: "ImageFont.FreeTypeFont | ImageFont.ImageFont",
) -> None:
    """The label above its box, or within where there is no room; never outside of the picture where it fits at all."""
    left, top, _, _ = _corners(each, size)
    text = f"{each.label} {each.score:.2f}"
    begin_x, begin_y, end_x, end_y = canvas.textbbox((0, 0), text, font=font)
    wide, high = round(end_x - begin_x) + 4 * line, round(end_y - begin_y) + 4 * line
    x = max(0, min(left, size[0] - wide))
    y = top - high + line if top - high + line >= 0 else min(top, max(0, size[1] - high))
    canvas.rectangle((x, y, x + wide - 1, y + high - 1), fill=_colour(each), outline=EDGE, width=max(1, line // 2))
    canvas.text((x + 2 * line - begin_x, y + 2 * line - begin_y), text, fill=EDGE, font=font)
