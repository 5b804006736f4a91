"""Reading pictures that strangers send: JPEG and PNG, told by their content, and nothing decoded before its size is known."""

import io
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from edgetrain import limits
from edgetrain.detection.structure import JPEG, PNG, Essence, damaged, essence, media_type
from edgetrain.errors import PictureInvalid

__all__ = ["JPEG", "PNG", "Picture", "Rgb", "Shrunk", "media_type", "read_picture", "resize", "shrink", "to_jpeg"]

Rgb = npt.NDArray[np.uint8]
PILLOWS_NAMES: Final = {JPEG: "JPEG", PNG: "PNG"}
#: A scaled picture is a JPEG of this quality, with a colour for every pixel: the scores of what is found in it move by about 0.01.
QUALITY: Final = 92
ORIENTATION: Final = 0x0112
#: EXIF's orientation -> what makes the picture upright.
TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
#: A small picture of more bytes has something else behind its pixels, and may not fit through the endpoint.
LARGEST_AS_IT_IS: Final = limits.SAGEMAKER_SERVERLESS_PAYLOAD_BYTES // 2
SIDES_SWAPPED: Final = frozenset({5, 6, 7, 8})
WITH_ALPHA: Final = frozenset({"LA", "PA", "RGBA"})


@dataclass(frozen=True)
class Picture:
    """An upright picture: `rgb` is uint8 [height, width, 3], `media_type` that of the bytes it was read from."""

    rgb: Rgb
    media_type: str

    @property
    def width(self) -> int:
        """Pixels."""
        return int(self.rgb.shape[1])

    @property
    def height(self) -> int:
        """Pixels."""
        return int(self.rgb.shape[0])


@dataclass(frozen=True)
class Shrunk:
    """An upright JPEG, and the size in pixels of the upright picture that it was made of."""

    body: bytes
    width: int
    height: int


def read_picture(body: bytes) -> Picture:
    """The picture in a JPEG or PNG file, upright (EXIF), in RGB: what is transparent is white, 16 bits a channel become 8.

    Raises:
        PictureInvalid: it is none, damaged, or larger than `limits` allow; `code` says which.
    """
    found, image = _open(body)
    turned = _upright(_rgb(_loaded(image)), _orientation(image))
    return Picture(np.asarray(turned), found.media_type)


def shrink(body: bytes, side: int = limits.DETECTION_SIDE) -> Shrunk:
    """The same picture, upright, as a JPEG of at most `side` pixels in width and height, its proportions kept.

    A JPEG that is small and upright already is not compressed again. No metadata is left but an EXIF without orientation.

    Raises:
        PictureInvalid: as of `read_picture`.
    """
    found, image = _open(body)
    original = image.size
    target = fitting(original, side)
    if found.media_type == JPEG and target != original:
        image.draft(None, target)  # decode at 1/2, 1/4 or 1/8, never below the target
    orientation = _orientation(image)
    loaded = _loaded(image)
    width, height = original[::-1] if orientation in SIDES_SWAPPED else original
    as_it_is = found.media_type == JPEG and target == original and orientation == 1 and loaded.mode in {"RGB", "L"}
    if as_it_is and len(found.body) <= LARGEST_AS_IT_IS:
        return Shrunk(found.body, width, height)
    rgb = _rgb(loaded)
    if rgb.size != target:
        rgb = rgb.resize(target, Image.Resampling.BILINEAR)
    return Shrunk(to_jpeg(_upright(rgb, orientation)), width, height)


def fitting(size: tuple[int, int], side: int) -> tuple[int, int]:
    """(width, height) with the proportions of `size` and no side above `side`; unchanged when it fits already."""
    longest = max(size)
    if longest <= side:
        return size
    return max(1, round(size[0] * side / longest)), max(1, round(size[1] * side / longest))


def resize(rgb: Rgb, height: int, width: int) -> Rgb:
    """`rgb` [h, w, 3] stretched to [height, width, 3], as every detector of ours sees it, here and in a browser, to the last bit.

    Pillow's BILINEAR, along x first, then along y, each pass of one channel from `size` to `out` pixels being, for output i:

        scale = size / out, reach = max(scale, 1), centre = (i + 0.5) * scale
        first = max(trunc(centre - reach + 0.5), 0), last = min(trunc(centre + reach + 0.5), size)   (last is left out)
        w_j = max(0, 1 - |(j - centre + 0.5) / reach|) for first <= j < last, divided by their sum, in float64
        k_j = trunc(w_j * 2^22 + 0.5);  pixel = clip((2^21 + sum_j k_j * pixel_j) >> 22, 0, 255)
    """
    # One pass at a time: which one Pillow takes first depends on its version and on the sizes.
    stretched = Image.fromarray(rgb).resize((width, rgb.shape[0]), Image.Resampling.BILINEAR)
    return np.asarray(stretched.resize((width, height), Image.Resampling.BILINEAR))


def to_jpeg(image: Image.Image) -> bytes:
    """A JPEG without metadata (`QUALITY`)."""
    written = io.BytesIO()
    image.save(written, "JPEG", quality=QUALITY, subsampling=0)
    return written.getvalue()


def _open(body: bytes) -> tuple[Essence, Image.Image]:
    """What counts of the file, and the image with its header read, nothing more."""
    found = essence(body)
    try:
        return found, Image.open(io.BytesIO(found.body), formats=[PILLOWS_NAMES[found.media_type]])
    except Exception as error:  # whatever a damaged file brings Pillow's readers to
        raise _undecodable(error) from error


def _loaded(image: Image.Image) -> Image.Image:
    """The image with its pixels decoded: a file that ends too early is refused."""
    try:
        image.load()
    except Exception as error:  # see _open
        raise _undecodable(error) from error
    return image


def _undecodable(error: Exception) -> PictureInvalid:
    if isinstance(error, MemoryError):  # not the picture's fault
        raise error
    return damaged("it cannot be decoded to its end")


# --- upright, and in RGB ------------------------------------------------------------------------------------------


def _orientation(image: Image.Image) -> int:
    """EXIF's orientation, 1 to 8; 1 where there is none, or none that can be read. (Of XMP's, browsers know nothing either.)"""
    raw = image.info.get("exif")
    if not raw:
        return 1
    exif = Image.Exif()
    try:
        exif.load(raw)
        value = exif.get(ORIENTATION)
    except Exception:  # damaged metadata does not make a picture unreadable, and what they raise is Pillow's secret
        return 1
    return value if value in TURNS else 1


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    turn = TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)


def _rgb(image: Image.Image) -> Image.Image:
    """RGB, 8 bits a channel, laid over white."""
    if image.mode.startswith("I"):  # 16 bits of grey
        grey = (np.asarray(image).astype(np.uint32) >> 8).clip(0, 255).astype(np.uint8)
        return Image.fromarray(grey).convert("RGB")
    if image.mode in WITH_ALPHA or "transparency" in image.info:
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")
