"""Tokens of pages: where a page ended, and what had been asked."""

import base64
import binascii
import hashlib
import json
from typing import Any

from edgetrain.local.stepfunctions.failures import ApiError


def _digest(asked: str) -> str:
    return hashlib.sha256(asked.encode(errors="surrogatepass")).hexdigest()[:16]


def write_token(asked: str, position: list[Any]) -> str:
    """The token of the page after `position`."""
    return base64.urlsafe_b64encode(json.dumps([_digest(asked), *position]).encode()).decode()


def read_token(token: str | None, asked: str, length: int) -> list[Any]:
    """The position that a token holds; empty without a token.

    Raises:
        ApiError: InvalidToken, it was not given for this question.
    """
    if token is None:
        return []
    try:
        content = json.loads(base64.b64decode(token, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        content = None
    if not isinstance(content, list) or len(content) != length + 1 or content[0] != _digest(asked):
        raise ApiError("InvalidToken", f"Invalid Token: '{token}'")
    position = content[1:]
    if not all(isinstance(each, str | int | float) for each in position):
        raise ApiError("InvalidToken", f"Invalid Token: '{token}'")
    return position
