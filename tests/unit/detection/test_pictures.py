"""Pictures that are read, and how they come out."""

import io
import struct
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from edgetrain import limits
from edgetrain.detection.pictures import LARGEST_AS_IT_IS, fitting, media_type, read_picture, resize, shrink
from edgetrain.errors import PictureInvalid
from tests.unit.fakes import pictures
from tests.unit.fakes.pictures import chunk, exif, file_of, gradient, jpeg, png, segment, with_segments

WHITE = [255, 255, 255]


def pixels(body):
    return np.asarray(Image.open(io.BytesIO(body)).convert("RGB"))


# --- kinds of pictures


def test_a_png_comes_out_as_it_is():
    image = gradient(7, 5)
    picture = read_picture(file_of(image))
    assert np.array_equal(picture.rgb, np.asarray(image))
    assert (picture.width, picture.height, picture.media_type) == (7, 5, "image/png")


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_comes_out_nearly_as_it_is(progressive):
    picture = read_picture(jpeg(progressive=progressive))
    assert np.abs(picture.rgb.astype(int) - np.asarray(gradient(40, 30))).max() < 12
    assert picture.media_type == "image/jpeg"


@pytest.mark.parametrize("mode", ["L", "1", "P"])
def test_other_modes(mode):
    image = gradient(8, 8).convert(mode)
    assert np.array_equal(read_picture(file_of(image)).rgb, np.asarray(image.convert("RGB")))


def test_grey_jpeg_and_cmyk_jpeg():
    grey = read_picture(file_of(gradient(16, 16).convert("L"), "JPEG")).rgb
    assert np.array_equal(grey[..., 0], grey[..., 1])
    red = Image.new("RGB", (16, 16), (200, 30, 20))
    cmyk = read_picture(file_of(red.convert("CMYK"), "JPEG", quality=95)).rgb
    assert np.abs(cmyk.astype(int) - [200, 30, 20]).max() < 12


@pytest.mark.parametrize(
    ("colour", "row", "expected"),
    [
        (pictures.GREY, struct.pack(">HH", 0x80FF, 0xFFFF), [[0x80] * 3, WHITE]),
        (pictures.RGB, struct.pack(">6H", 0x1234, 0xFF00, 0x00FF, 0, 0, 0xFFFF), [[0x12, 0xFF, 0x00], [0, 0, 0xFF]]),
        (pictures.RGB_ALPHA, struct.pack(">8H", 0xFF00, 0, 0, 0xFFFF, 0, 0, 0, 0), [[0xFF, 0, 0], WHITE]),
    ],
)
def test_16_bits_a_channel(colour, row, expected):
    assert read_picture(png(2, 1, depth=16, colour=colour, rows=row)).rgb.tolist() == [expected]


def test_what_is_transparent_is_white():
    clear, half = (200, 0, 0, 0), (0, 0, 0, 128)
    body = png(3, 1, colour=pictures.RGB_ALPHA, rows=bytes((*clear, *half, 9, 8, 7, 255)))
    assert read_picture(body).rgb.tolist() == [[WHITE, [127] * 3, [9, 8, 7]]]
    palette = chunk(b"PLTE", bytes((1, 2, 3, 4, 5, 6))) + chunk(b"tRNS", bytes((0,)))
    body = png(2, 1, colour=pictures.PALETTE, rows=bytes((0, 1)), before=palette)
    assert read_picture(body).rgb.tolist() == [[WHITE, [4, 5, 6]]]
    body = png(2, 1, rows=bytes((1, 2, 3, 4, 5, 6)), before=chunk(b"tRNS", struct.pack(">HHH", 1, 2, 3)))
    assert read_picture(body).rgb.tolist() == [[WHITE, [4, 5, 6]]], "one colour that stands for transparent"


# --- upright


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_every_orientation(orientation, kind):
    upright = np.asarray(gradient(48, 32))
    undone = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: upright.transpose(1, 0, 2)[::-1],
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: upright.transpose(1, 0, 2)[:, ::-1],
    }[orientation]
    quality = {"quality": 98, "subsampling": 0} if kind == "JPEG" else {}
    body = file_of(Image.fromarray(np.ascontiguousarray(undone)), kind, exif=exif(orientation), **quality)
    read = read_picture(body).rgb.astype(int)
    assert read.shape == (32, 48, 3)
    assert np.abs(read - upright).max() < 8
    small = shrink(body, 24)
    assert (small.width, small.height) == (48, 32)
    assert pixels(small.body).shape == (16, 24, 3)
    assert np.abs(pixels(small.body).astype(int) - upright.reshape(16, 2, 24, 2, 3).mean((1, 3))).max() < 16


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@pytest.mark.parametrize("wrong", [exif(0), exif(9), b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0nonsense"])
def test_an_orientation_that_is_none_turns_nothing(wrong):
    body = with_segments(jpeg(40, 30), segment(0xE1, wrong))
    assert read_picture(body).rgb.shape == (30, 40, 3)
    assert shrink(body).body == body, "it is upright already"


def test_of_two_orientations_the_first_counts():
    two = segment(0xE1, b"Exif\0\0" + exif(6)[6:]), segment(0xE1, b"Exif\0\0" + exif(3)[6:])
    assert read_picture(with_segments(jpeg(40, 30), *two)).rgb.shape == (40, 30, 3)


# --- scaled


def test_a_large_picture_is_scaled_in_proportion():
    small = shrink(file_of(gradient(2000, 500)))
    assert (small.width, small.height) == (2000, 500)
    assert pixels(small.body).shape == (256, 1024, 3)
    assert np.abs(pixels(small.body)[128, 512].astype(int) - [127, 127, 40]).max() < 6


def test_a_jpeg_is_decoded_smaller_and_is_the_same_picture():
    small = pixels(shrink(jpeg(3000, 2000), 100).body).astype(int)
    assert small.shape == (67, 100, 3)
    assert np.abs(small - np.asarray(gradient(100, 67))).max() < 12


def test_what_is_small_and_upright_is_not_compressed_again():
    body = jpeg(40, 30)
    assert shrink(with_segments(body, segment(0xFE, b"a comment"), segment(0xED, b"where I live"))).body == body
    assert shrink(file_of(gradient(40, 30))).body.startswith(b"\xff\xd8\xff"), "a PNG becomes a JPEG"


def test_what_is_small_and_not_upright_or_not_rgb_is():
    assert pixels(shrink(jpeg(40, 30, exif=exif(6))).body).shape == (40, 30, 3)
    cmyk = shrink(file_of(gradient(16, 16).convert("CMYK"), "JPEG"))
    assert Image.open(io.BytesIO(cmyk.body)).mode == "RGB"


def test_a_small_picture_with_much_behind_it_is_compressed_again():
    assert len(shrink(jpeg() + bytes(LARGEST_AS_IT_IS)).body) < 10_000


@example(1, 4096, 8)
@example(4096, 1, 8)
@given(st.integers(1, 4096), st.integers(1, 4096), st.integers(1, 2048))
def test_fitting(width, height, side):
    fitted = fitting((width, height), side)
    assert max(fitted) == min(max(width, height), side)
    assert min(fitted) >= 1
    assert abs(fitted[0] * height - fitted[1] * width) <= max(width, height), "half a pixel off, at most"


def by_the_formula(rgb, out, axis):
    """`resize`'s own description along one axis."""
    size = rgb.shape[axis]
    scale, moved = size / out, np.moveaxis(rgb, axis, 0).astype(np.int64)
    reach, result = max(scale, 1.0), []
    for i in range(out):
        centre = (i + 0.5) * scale
        j = np.arange(max(int(centre - reach + 0.5), 0), min(int(centre + reach + 0.5), size))
        w = np.maximum(0, 1 - np.abs((j - centre + 0.5) / reach))
        k = (w / w.sum() * 2**22 + 0.5).astype(np.int64)
        result.append(np.clip((2**21 + np.tensordot(k, moved[j], 1)) >> 22, 0, 255))
    return np.moveaxis(np.array(result), 0, axis)


@settings(max_examples=30, phases=[Phase.generate])
@given(
    arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3))),
    st.integers(1, 40),
    st.integers(1, 40),
)
def test_resize_does_what_it_says(rgb, height, width):
    expected = by_the_formula(by_the_formula(rgb, width, 1), height, 0)
    assert np.array_equal(resize(rgb, height, width), expected)


# --- refused


def test_the_type_is_told_by_content():
    assert media_type(jpeg()) == "image/jpeg"
    assert media_type(png()) == "image/png"
    assert media_type(file_of(gradient(4, 4), "GIF")) is None


def truncated(body, share=0.6):
    return body[: int(len(body) * share)]


#: name -> bytes that are refused, and the code.
REFUSED = {
    "nothing": (b"", "picture_empty"),
    "text": (b"a picture of a cat", "picture_type"),
    "html": (b"<html></html>", "picture_type"),
    "gif": (file_of(gradient(4, 4), "GIF"), "picture_type"),
    "bmp": (file_of(gradient(4, 4), "BMP"), "picture_type"),
    "webp": (file_of(gradient(4, 4), "WEBP"), "picture_type"),
    "tiff": (file_of(gradient(4, 4), "TIFF"), "picture_type"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "picture_type"),
    "too many bytes": (jpeg() + bytes(limits.PICTURE_BYTES), "picture_too_large"),
    "wide jpeg": (file_of(Image.new("L", (4097, 8)), "JPEG"), "picture_dimensions"),
    "high jpeg": (file_of(Image.new("L", (8, 4097)), "JPEG"), "picture_dimensions"),
    "wide png": (png(4097, 1), "picture_dimensions"),
    "png bomb": (png(60_000, 60_000, rows=b""), "picture_dimensions"),
    "png of nothing": (png(0, 5, rows=b""), "picture_damaged"),
    "jpeg signature only": (b"\xff\xd8\xff", "picture_damaged"),
    "png signature only": (pictures.PNG_SIGNATURE, "picture_damaged"),
    "half a jpeg": (truncated(jpeg(200, 200)), "picture_damaged"),
    "half a progressive jpeg": (truncated(jpeg(200, 200, progressive=True)), "picture_damaged"),
    "jpeg cut in its header": (jpeg()[:100], "picture_damaged"),
    "jpeg of two sizes": (with_segments(jpeg(), segment(0xC0, bytes(15))), "picture_damaged"),
    "jpeg without a size": (b"\xff\xd8" + segment(0xDA, bytes(10)), "picture_damaged"),
    "jpeg that ends at once": (b"\xff\xd8\xff\xd9" + jpeg()[2:], "picture_damaged"),
    "jpeg of many parts": (with_segments(jpeg(), segment(0xFE) * limits.PICTURE_PARTS), "picture_damaged"),
    "jpeg of many scans": (jpeg() + b"\xff\xda" * limits.PICTURE_SCANS, "picture_damaged"),
    "half a png": (truncated(file_of(gradient(64, 64))), "picture_damaged"),
    "png with too few rows": (png(64, 64, rows=bytes(64 * 3)), "picture_damaged"),
    "png with a wrong checksum": (png().replace(b"\0\0\0\x02\x08", b"\0\0\0\x03\x08"), "picture_damaged"),
    "png without pixels": (pictures.PNG_SIGNATURE + png()[8:33] + chunk(b"IEND"), "picture_damaged"),
    "png that begins otherwise": (pictures.PNG_SIGNATURE + chunk(b"IDAT") + png()[8:], "picture_damaged"),
    "png of many parts": (png(before=chunk(b"tEXt") * limits.PICTURE_PARTS), "picture_damaged"),
    "png with a part that has no end": (png(before=b"\xff\xff\xff\xffiCCP"), "picture_damaged"),
}


@pytest.mark.parametrize("reader", [read_picture, shrink])
@pytest.mark.parametrize(("body", "code"), REFUSED.values(), ids=REFUSED)
def test_refused(reader, body, code):
    with pytest.raises(PictureInvalid) as refused:
        reader(body)
    assert refused.value.code == code
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt", b"iCCP", b"fdAT", b"eXIf"])
def test_a_bomb_beside_the_pixels_is_never_opened(kind, monkeypatch):
    monkeypatch.setattr("PIL.PngImagePlugin._safe_zlib_decompress", lambda _body: pytest.fail("it was opened"))
    huge = bytes(1_000_000) if kind == b"eXIf" else b"name\0\0" + bytes(1_000)
    picture = read_picture(png(2, 1, rows=bytes((1, 2, 3, 4, 5, 6)), before=chunk(kind, huge) * 4))
    assert picture.rgb.tolist() == [[[1, 2, 3], [4, 5, 6]]]


def test_further_pictures_and_padding_of_a_jpeg_are_left_out():
    body = jpeg()
    padded = with_segments(body, segment(0xE2, b"MPF\0" + bytes(60)), b"\xff" * 100_000)
    assert np.array_equal(read_picture(padded).rgb, read_picture(body).rgb)


@settings(max_examples=150)
@given(st.data())
def test_damage_is_refused_or_read_and_nothing_else(data):
    body = bytearray(data.draw(st.sampled_from([jpeg(16, 12), jpeg(16, 12, progressive=True), png(4, 4)])))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(body)))
    for reader in (read_picture, shrink):
        with suppress(PictureInvalid):
            reader(bytes(body[:cut] if cut % 2 else body))
