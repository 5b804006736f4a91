"""Reading what browsers and programs send to the sign-in endpoints, and answering them."""

import json
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from edgetrain.local.wsgi import Reply, Request

FORM: Final = "application/x-www-form-urlencoded"
FORM_BYTES: Final = 64 * 1024
NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}
#: What is called by pages of other origins: tokens are in bodies, never in cookies, so any page may ask.
ANY_ORIGIN: Final = {"Access-Control-Allow-Origin": "*"}


class BadRequest(Exception):
    """Nothing that can be read: not a form, too long, or a parameter that is given twice."""


def query_of(request: Request) -> dict[str, str]:
    """The query's parameters.

    Raises:
        BadRequest: one is given twice.
    """
    return _once(str(request.environ.get("QUERY_STRING", "")))


def form_of(request: Request) -> dict[str, str]:
    """A form's fields.

    Raises:
        BadRequest: it is no form, or too long, or a field is given twice.
    """
    if request.header("content-type").split(";")[0].strip().lower() != FORM:
        raise BadRequest(f"expected a body of {FORM}")
    length = request.header("content-length")
    if not length.isdecimal() or int(length) > FORM_BYTES:
        raise BadRequest(f"expected a body of at most {FORM_BYTES} bytes and its length")
    return _once(request.body().decode("utf-8", "replace"))


def _once(text: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=100)
    except ValueError as error:
        raise BadRequest("too many parameters") from error
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise BadRequest("a parameter is given twice")
    return parameters


def cookie_of(request: Request, name: str) -> str:
    """A cookie's value; empty where there is none."""
    try:
        cookies = SimpleCookie(request.header("cookie"))
    except CookieError:
        return ""
    return cookies[name].value if name in cookies else ""


def set_cookie(name: str, value: str, *, seconds: int, path: str) -> str:
    """A cookie that no script reads and no other site sends along with a post. Without `Secure`: there is no TLS here."""
    return f"{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax"


def json_reply(status: int, document: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Reply:
    """A JSON document for programs and for pages of any origin."""
    body = json.dumps(document).encode()
    return Reply.of(status, body, "application/json;charset=UTF-8", {**NO_STORE, **ANY_ORIGIN, **(headers or {})})


def error_reply(code: str, status: int = 400) -> Reply:
    """An error as OAuth words it."""
    return json_reply(status, {"error": code})


def redirect(location: str, cookies: tuple[str, ...] = ()) -> Reply:
    """Send the browser elsewhere."""
    return Reply(302, {"Location": location, "Content-Length": "0", **NO_STORE}, (), cookies)


def with_parameters(url: str, parameters: Mapping[str, str]) -> str:
    """The URL with parameters added to its query. Whatever is in them is encoded: no header can be broken by one."""
    separator = "&" if urlsplit(url).query else "?"
    return f"{url}{separator}{urlencode(parameters)}"
