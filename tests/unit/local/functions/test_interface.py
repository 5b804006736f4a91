"""Small readings of what the front hands over."""

import base64
import hashlib
from dataclasses import replace

import pytest

from edgetrain.local.functions.interface import hex_digest
from tests.unit.fakes.functions import configuration


@pytest.mark.parametrize(
    ("suffix", "version"), [("", "$LATEST"), (":$LATEST", "$LATEST"), (":7", "7"), (":live", "$LATEST")]
)
def test_the_version_is_in_the_arn(suffix: str, version: str) -> None:
    function = configuration()
    assert replace(function, arn=function.arn + suffix).version == version


def test_a_sha256_in_hex_or_in_base64() -> None:
    digest = hashlib.sha256(b"x")
    assert hex_digest(digest.hexdigest()) == digest.hexdigest()
    assert hex_digest(digest.hexdigest().upper()) == digest.hexdigest()
    assert hex_digest(base64.b64encode(digest.digest()).decode()) == digest.hexdigest()


@pytest.mark.parametrize("text", ["", "abc", "../../../etc", base64.b64encode(b"too short").decode()])
def test_no_sha256(text: str) -> None:
    with pytest.raises(ValueError):
        hex_digest(text)
