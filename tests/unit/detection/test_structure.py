"""What of a file is handed to a decoder."""

import struct

import pytest

from edgetrain.detection.structure import EXIF_BYTES, essence
from edgetrain.errors import PictureInvalid
from tests.unit.fakes.pictures import PNG_SIGNATURE, chunk, exif, file_of, gradient, jpeg, png, segment, with_segments

EXIF = segment(0xE1, exif(6))
FRAME = segment(0xC0, bytes((8, 0, 30, 0, 40, 1, 1, 0x11, 0)))


def refused(body, words):
    with pytest.raises(PictureInvalid, match=words) as error:
        essence(body)
    assert error.value.code == "picture_damaged"


def test_a_jpegs_size_and_what_is_kept():
    body = jpeg(40, 30)
    found = essence(body)
    assert (found.width, found.height, found.media_type, found.body) == (40, 30, "image/jpeg", body)
    beside = [
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x/>"),
        segment(0xE2, b"ICC_PROFILE\0"),
        segment(0xFE, b"hi"),
    ]
    assert essence(with_segments(body, *beside)).body == body
    adobe = segment(0xEE, b"Adobe\0d\0\0\0\0\1")
    assert essence(with_segments(body, EXIF, adobe)).body == with_segments(body, EXIF, adobe)
    assert essence(with_segments(body, EXIF, EXIF)).body == with_segments(body, EXIF), "the first one counts"


def test_padding_is_left_out():
    scan = jpeg().index(b"\xff\xda")
    padded = jpeg()[:2] + b"\xff" * 9 + jpeg()[2:scan] + b"\xff" * 9 + jpeg()[scan:]
    assert essence(padded).body == jpeg()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"\xff\xd8\xff\xd0" + jpeg()[2:], "no JPEG segment at byte 2"),
        (b"\xff\xd8\xff\x00" + jpeg()[2:], "no JPEG segment at byte 2"),
        (b"\xff\xd8" + FRAME + b"\0" + FRAME, "no JPEG segment at byte 15"),
        (b"\xff\xd8" + FRAME, "no JPEG segment at byte 15"),
        (b"\xff\xd8\xff\xe0\0\1", "within its header"),
        (b"\xff\xd8\xff\xe0\0", "within its header"),
        (b"\xff\xd8" + FRAME[:-1], "within its header"),
        (b"\xff\xd8" + FRAME + FRAME, "size is not said once"),
        (b"\xff\xd8" + segment(0xC2, bytes(5)), "size is not said once"),
        (b"\xff\xd8" + segment(0xDA, bytes(6)), "before their number"),
    ],
)
def test_jpegs_that_are_none(body, words):
    refused(body, words)


def test_tables_are_no_frames():
    body = b"\xff\xd8" + b"".join(segment(marker, bytes(20)) for marker in (0xC4, 0xC8, 0xCC)) + FRAME + b"\xff\xda\0\2"
    assert essence(body).body == body


def test_a_pngs_size_and_what_is_kept():
    body = file_of(gradient(40, 30))
    assert (essence(body).width, essence(body).height, essence(body).body) == (40, 30, body)
    plain, upright = png(), chunk(b"eXIf", exif(6)[6:])
    beside = b"".join(map(chunk, (b"iCCP", b"zTXt", b"iTXt", b"tEXt", b"gAMA", b"fcTL", b"fdAT", b"abCd")))
    assert essence(png(before=beside, after=beside)).body == plain
    assert essence(plain + b"and more").body == plain
    assert essence(png(before=upright + upright)).body == png(before=upright)
    assert essence(png(before=chunk(b"eXIf", bytes(EXIF_BYTES + 1)))).body == plain
    wanted = chunk(b"PLTE", bytes(3)) + chunk(b"tRNS", bytes(6))
    assert essence(png(before=wanted)).body == png(before=wanted)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (png()[:-1], "too early"),
        (png()[:40], "too early"),
        (PNG_SIGNATURE, "too early"),
        (png(before=struct.pack(">I", 2**31) + b"IDAT"), "too early"),
        (PNG_SIGNATURE + png()[33:], "does not begin with its size"),
        (PNG_SIGNATURE + chunk(b"IHDR", bytes(12)) + png()[33:], "does not begin with its size"),
    ],
)
def test_pngs_that_are_none(body, words):
    refused(body, words)
