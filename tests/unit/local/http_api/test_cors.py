"""Pages of other origins: what is said to whom."""

import pytest

from edgetrain.local.http_api.cors import allowed_origin, preflight_headers, reply_headers, without_cors
from edgetrain.local.http_api.definition import Cors

PAGE = "https://app.example.com"
CORS = Cors(
    origins=(PAGE,), methods=("GET", "POST"), headers=("authorization", "content-type"), exposed=("x-id",), max_age=300
)


@pytest.mark.parametrize(
    ("origins", "origin", "allowed"),
    [
        ((PAGE,), PAGE, PAGE),
        ((PAGE,), "HTTPS://App.example.com", "HTTPS://App.example.com"),
        ((PAGE,), "https://app.example.com.evil.org", None),
        ((PAGE,), "https://evil.org/https://app.example.com", None),
        ((PAGE,), "http://app.example.com", None),
        ((PAGE,), "null", None),
        ((PAGE,), "", None),
        (("*",), "https://anybody", "*"),
        (("*",), "", None),
        (("https://*",), "https://anybody", "https://anybody"),
        (("https://*",), "http://anybody", None),
        ((), PAGE, None),
    ],
)
def test_which_origins(origins, origin, allowed):
    assert allowed_origin(Cors(origins=origins), origin) == allowed


def test_a_preflight():
    assert preflight_headers(CORS, PAGE, "POST") == {
        "access-control-allow-origin": PAGE,
        "access-control-allow-methods": "GET,POST",
        "access-control-allow-headers": "authorization,content-type",
        "access-control-max-age": "300",
    }
    assert preflight_headers(CORS, "https://elsewhere", "POST") == {}
    assert preflight_headers(CORS, PAGE, "") == {}


def test_a_reply():
    assert reply_headers(CORS, PAGE) == {
        "access-control-allow-origin": PAGE,
        "access-control-expose-headers": "x-id",
    }
    assert reply_headers(CORS, "https://elsewhere") == {}
    assert reply_headers(None, PAGE) == {}
    assert reply_headers(Cors(origins=(PAGE,), credentials=True), PAGE)["access-control-allow-credentials"] == "true"


def test_a_functions_own_headers_do_not_count():
    assert without_cors({"Access-Control-Allow-Origin": "*", "x": "y"}) == {"x": "y"}
