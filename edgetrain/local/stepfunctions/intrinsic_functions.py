"""The intrinsic functions of the States Language, each over plain JSON values.

A function raises `ArgumentsWrong` with the reason (or `ValueError`, of what is no JSON); it becomes `States.IntrinsicFailure`.
"""

import base64
import binascii
import hashlib
import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from edgetrain import limits
from edgetrain.local.stepfunctions.documents import canonical, from_text, same_value, to_text
from edgetrain.local.stepfunctions.identities import new_id
from edgetrain.local.stepfunctions.path_filters import is_number

_HASHES: Final = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


class ArgumentsWrong(Exception):
    """A function cannot take these values; the text is the reason."""


@dataclass(frozen=True)
class Function:
    """A function and how many arguments it takes (`most` None: any number)."""

    call: Callable[..., Any]
    least: int
    most: int | None


def _array(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ArgumentsWrong(f"expected an array, got {to_text(value)}")
    return value


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise ArgumentsWrong(f"expected a string, got {to_text(value)}")
    return value


def _short(value: str) -> str:
    if len(value) > limits.INTRINSIC_CHARACTERS:
        raise ArgumentsWrong(f"longer than {limits.INTRINSIC_CHARACTERS} characters")
    return value


def _integer(value: Any) -> int:
    """A number, rounded half up as Step Functions does, within 32 bits."""
    if not is_number(value):
        raise ArgumentsWrong(f"expected a number, got {to_text(value)}")
    rounded = value if isinstance(value, int) else math.floor(value + 0.5)
    if not -(2**31) <= rounded < 2**31:
        raise ArgumentsWrong(f"{value} is outside -2147483648..2147483647")
    return rounded


def _array_partition(array: Any, size: Any) -> list[Any]:
    items, step = _array(array), _integer(size)
    if step < 1:
        raise ArgumentsWrong("the chunk size must be positive")
    return [items[start : start + step] for start in range(0, len(items), step)]


def _array_contains(array: Any, value: Any) -> bool:
    return any(same_value(each, value) for each in _array(array))


def _array_range(first: Any, last: Any, step: Any) -> list[int]:
    start, end, by = _integer(first), _integer(last), _integer(step)
    if by == 0:
        raise ArgumentsWrong("the increment must not be zero")
    numbers = range(start, end + (1 if by > 0 else -1), by)
    if len(numbers) > limits.INTRINSIC_RANGE_LENGTH:
        raise ArgumentsWrong(f"more than {limits.INTRINSIC_RANGE_LENGTH} elements")
    return list(numbers)


def _array_get_item(array: Any, index: Any) -> Any:
    items, at = _array(array), _integer(index)
    if not 0 <= at < len(items):
        raise ArgumentsWrong(f"index {at} is outside an array of {len(items)}")
    return items[at]


def _array_unique(array: Any) -> list[Any]:
    first: dict[str, Any] = {}
    for each in _array(array):
        first.setdefault(canonical(each), each)
    return list(first.values())


def _base64_encode(text: Any) -> str:
    return base64.b64encode(_short(_string(text)).encode()).decode()


def _base64_decode(text: Any) -> str:
    try:
        return base64.b64decode(_short(_string(text)), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise ArgumentsWrong("not the Base64 of a text") from None


def _hash(data: Any, algorithm: Any) -> str:
    name = _HASHES.get(_string(algorithm))
    if name is None:
        raise ArgumentsWrong(f"unknown algorithm '{algorithm}', expected one of {', '.join(_HASHES)}")
    text = data if isinstance(data, str) else to_text(data)
    return hashlib.new(name, _short(text).encode(), usedforsecurity=False).hexdigest()


def _json_merge(first: Any, second: Any, deep: Any) -> dict[str, Any]:
    if deep is not False:
        raise ArgumentsWrong("only the shallow merge is supported: the third argument must be false")
    if not isinstance(first, dict) or not isinstance(second, dict):
        raise ArgumentsWrong("expected two objects")
    return {**first, **second}


def _math_random(first: Any, last: Any, seed: Any = None) -> int:
    start, end = _integer(first), _integer(last)
    if end <= start:
        raise ArgumentsWrong("the end must be above the start")
    source = random.Random() if seed is None else random.Random(_integer(seed))  # noqa: S311 - no secret
    return source.randrange(start, end)


def _math_add(first: Any, second: Any) -> int:
    return _integer(_integer(first) + _integer(second))


def _string_split(text: Any, separators: Any) -> list[str]:
    """Split at every one of the separators' characters; empty pieces are dropped."""
    pieces, piece = [], ""
    marks = set(_string(separators))
    for character in _string(text):
        if character in marks:
            pieces.append(piece)
            piece = ""
        else:
            piece += character
    return [each for each in (*pieces, piece) if each]


def _string_to_json(text: Any) -> Any:
    stripped = _string(text).strip()
    return from_text(stripped) if stripped else None


def format_template(pieces: tuple[str, ...], values: tuple[Any, ...]) -> str:
    """`pieces` with `values` between them."""
    if len(values) != len(pieces) - 1:
        raise ArgumentsWrong(f"the template has {len(pieces) - 1} placeholders for {len(values)} arguments")
    return pieces[0] + "".join(shown(value) + piece for value, piece in zip(values, pieces[1:], strict=True))


def shown(value: Any) -> str:
    """A value inside a formatted text: as JSON, but texts bare, and objects as `{key=value, ...}`."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={shown(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(shown, value)) + "]"
    return to_text(value)


#: All but States.Format, whose first argument is a template and not a value.
FUNCTIONS: Final = {
    "Array": Function(lambda *values: list(values), 0, None),
    "ArrayContains": Function(_array_contains, 2, 2),
    "ArrayGetItem": Function(_array_get_item, 2, 2),
    "ArrayLength": Function(lambda array: len(_array(array)), 1, 1),
    "ArrayPartition": Function(_array_partition, 2, 2),
    "ArrayRange": Function(_array_range, 3, 3),
    "ArrayUnique": Function(_array_unique, 1, 1),
    "Base64Decode": Function(_base64_decode, 1, 1),
    "Base64Encode": Function(_base64_encode, 1, 1),
    "Hash": Function(_hash, 2, 2),
    "JsonMerge": Function(_json_merge, 3, 3),
    "JsonToString": Function(to_text, 1, 1),
    "MathAdd": Function(_math_add, 2, 2),
    "MathRandom": Function(_math_random, 2, 3),
    "StringSplit": Function(_string_split, 2, 2),
    "StringToJson": Function(_string_to_json, 1, 1),
    "UUID": Function(new_id, 0, 0),
}
