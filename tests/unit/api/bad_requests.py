"""The table of requests that are wrong, or look it, and what each is answered: by the handlers here, over HTTP in tests/integration.

A row's `code` is that of our own errors; None with a status of 400 or above: API Gateway answers itself, with `{"message"}`, before
any code of ours runs; None with 200: odd, and right all the same.
"""

import base64
import json
from dataclasses import dataclass, field
from typing import Any, Literal

from edgetrain import limits
from tests.unit.fakes.pictures import exif, file_of, gradient, jpeg, png

#: What stands in `Authorization`. `good` has the scope; the others are made wrong in one way each.
Token = Literal[
    *("good", "none", "garbage", "expired", "wrong_audience", "wrong_issuer", "alg_none", "altered", "other_key"),
    *("missing_scope", "initiate_auth", "identity_token", "basic"),
]
DETECTIONS = "/detections"
JPEG = jpeg()
TEXT = b"this is a text, whatever its name says " * 4
JSON = {"content-type": "application/json"}
AS_JPEG = {"content-type": "image/jpeg"}


@dataclass(frozen=True)
class Row:
    """One request and what it is answered. `path` begins behind the stage; `headers` are without `Authorization`: see `token`."""

    name: str
    status: int
    code: str | None
    method: str = "POST"
    path: str = DETECTIONS
    headers: dict[str, str] = field(default_factory=lambda: dict(JSON))
    body: bytes = b""
    token: Token = "good"

    @property
    def ours(self) -> bool:
        """Whether the answer is our code's."""
        return self.code is not None or self.status < 400


def b64(body: bytes) -> str:
    return base64.b64encode(body).decode()


def sent(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


def picture(body: bytes, **fields: Any) -> bytes:
    return sent(file=b64(body), **fields)


def _json_rows() -> list[Row]:
    good = b64(JPEG)
    bodies = {
        "empty body": b"",
        "not JSON": b"file=abc",
        "half of JSON": b'{"name": "x.jpg", "file": "',
        "a list": json.dumps([{"file": good}]).encode(),
        "a string": json.dumps(good).encode(),
        "null": b"null",
        "a number": b"17",
        "NaN": f'{{"file": "{good}", "name": NaN}}'.encode(),
        "infinity": b'{"file": -Infinity}',
        "a number of 5000 digits": b'{"file": ' + b"9" * 5000 + b"}",
        "nested 100,000 deep": b'{"file": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        "objects nested deep": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        "file twice": f'{{"file": "{good}", "file": "{good}"}}'.encode(),
        "an unknown field": sent(file=good, url="https://example.org/x.jpg"),
        "the field __proto__": f'{{"file": "{good}", "__proto__": {{"admin": true}}}}'.encode(),
        "Latin-1": b'{"file": "AAAA", \xe9: 1}',  # within text the gateway puts U+FFFD in its place
        "UTF-16": json.dumps({"file": good}).encode("utf-16"),
        "a byte order mark": b"\xef\xbb\xbf" + sent(file=good),
        "two documents": sent(file=good) * 2,
        "a trailing comma": f'{{"file": "{good}",}}'.encode(),
    }
    rows = [Row(f"JSON: {name}", 400, "body_invalid", body=body) for name, body in bodies.items()]
    rows += [
        Row("JSON: no file", 400, "file_missing", body=sent(name="x.jpg")),
        Row("JSON: {}", 400, "file_missing", body=b"{}"),
    ]
    names = {"a number": 5, "null": None, "a list": ["x.jpg"], "too long": "x" * (limits.PICTURE_NAME_CHARACTERS + 1)}
    rows += [Row(f"name: {name}", 400, "name_invalid", body=picture(JPEG, name=value)) for name, value in names.items()]
    half = f'{{"name": "\\ud800.jpg", "file": "{good}"}}'.encode()
    return [*rows, Row("name: half a character", 400, "name_invalid", body=half)]


def _base64_rows() -> list[Row]:
    good = b64(JPEG)
    files: dict[str, Any] = {
        "not base64": "this is not base64!",
        "a length that none has": good.rstrip("=")[:5],
        "padding in the middle": "AAA=" + good,
        "too much padding": good.rstrip("=") + "====",
        "wrong padding": "QUJD=",
        "percent-encoded": good.replace("/", "%2F").replace("+", "%2B") + "%3D",
        "another alphabet": "\uff21" * 8,
        "half a character": "\ud800AAA",
        "a null character": "AAAA\u0000AAA",
        "a data URL without base64": "data:image/jpeg,abc",
        "a data URL without a comma": "data:image/jpeg;base64",
        "a data URL that never ends": "data:" + "x" * 5000 + ";base64," + good,
        "an address": "https://example.org/x.jpg",
        "a path": "file:///etc/passwd",
        "a number": 5,
        "null": None,
        "a list": [good],
        "an object": {"data": good},
    }
    return [Row(f"file: {name}", 400, "file_invalid", body=sent(file=value)) for name, value in files.items()]


def _picture_rows() -> list[Row]:
    gif = file_of(gradient(8, 8), "GIF")
    whole = jpeg(400, 300)
    large = b"\xff\xd8\xff" + bytes(limits.PICTURE_BYTES)
    wide = png(limits.PICTURE_SIDE + 1, 1)
    bomb = png(1, 1).replace(b"\x00\x00\x00\x01\x00\x00\x00\x01\x08", b"\x00\x00\xff\xff\x00\x00\xff\xff\x08", 1)
    pictures = {
        "nothing": (b"", 400, "picture_empty"),
        "text as image": (TEXT, 415, "picture_type"),
        "GIF": (gif, 415, "picture_type"),
        "WebP": (b"RIFF\x24\x00\x00\x00WEBPVP8 " + bytes(24), 415, "picture_type"),
        "SVG": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', 415, "picture_type"),
        "PDF": (b"%PDF-1.7\n" + bytes(40), 415, "picture_type"),
        "HTML with a script": (b"<html><script>alert(1)</script></html>", 415, "picture_type"),
        "truncated JPEG": (whole[: len(whole) // 2], 400, "picture_damaged"),
        "a JPEG's first three bytes": (b"\xff\xd8\xff", 400, "picture_damaged"),
        "truncated PNG": (png(60, 60, rows=bytes(range(180)) * 60)[:-40], 400, "picture_damaged"),
        "a PNG's first eight bytes": (b"\x89PNG\r\n\x1a\n", 400, "picture_damaged"),
        "too many bytes": (large, 413, "picture_too_large"),
        "one pixel too wide": (wide, 413, "picture_dimensions"),
        "a decompression bomb": (bomb, 413, "picture_dimensions"),
    }
    as_json = [
        Row(f"picture in JSON: {name}", status, code, body=picture(body))
        for name, (body, status, code) in pictures.items()
    ]
    as_body = [
        Row(f"picture: {name}", status, code, headers=dict(AS_JPEG), body=body)
        for name, (body, status, code) in pictures.items()
    ]
    url = sent(file="data:image/jpeg;base64,")
    return [*as_json, *as_body, Row("picture: an empty data URL", 400, "picture_empty", body=url)]


def _header_rows() -> list[Row]:
    types = {
        "none": "",
        "text": "text/plain",
        "a form": "multipart/form-data; boundary=x",
        "url-encoded": "application/x-www-form-urlencoded",
        "GIF": "image/gif",
        "any picture": "image/*",
        "octets": "application/octet-stream",
        "another JSON": "application/ld+json",
        "UTF-16": "application/json; charset=utf-16",
        "nonsense": ";;;",
    }
    rows = [
        Row(
            f"content type: {name}",
            415,
            "unsupported_media_type",
            headers={"content-type": value} if value else {},
            body=picture(JPEG),
        )
        for name, value in types.items()
    ]
    compressed = {**JSON, "content-encoding": "gzip"}
    return [*rows, Row("compressed", 415, "unsupported_media_type", headers=compressed, body=picture(JPEG))]


def _parameter_rows() -> list[Row]:
    wrong = {
        "min_score=": "no min_score",
        "min_score=high": "min_score is a word",
        "min_score=-0.1": "min_score below 0",
        "min_score=1.01": "min_score above 1",
        "min_score=nan": "min_score is nan",
        "min_score=inf": "min_score is inf",
        "min_score=1e9999": "min_score is too large for a float",
        "min_score=0x1": "min_score is hexadecimal",
        "min_score=%D9%A1": "min_score in Arabic digits",
        "min_score=0.5&min_score=0.6": "min_score twice",
        "max_detections=0": "max_detections below 1",
        "max_detections=101": "max_detections above 100",
        "max_detections=1.5": "max_detections is no whole number",
        "max_detections=1_0": "max_detections as Python writes it",
        "max_detections=99999999999999999999": "max_detections of 20 digits",
        "min_scor=0.5": "an unknown parameter",
        "min_score=%ff": "a parameter that is not UTF-8",
        "&".join(f"a{index}=1" for index in range(50)): "fifty parameters",
    }
    rows = [
        Row(f"parameter: {name}", 400, "parameter_invalid", path=f"{DETECTIONS}?{query}", body=picture(JPEG))
        for query, name in wrong.items()
    ]
    tasks = {"cats": "unknown", "": "empty", "..%2Fobjects": "a path", "objects%00": "with a null character"}
    return rows + [
        Row(f"task: {name}", 404, "task_not_found", path=f"{DETECTIONS}?task={task}", body=picture(JPEG))
        for task, name in tasks.items()
    ]


def _model_rows() -> list[Row]:
    wrong = {
        "/labels/cats": (404, "task_not_found", "labels of an unknown task"),
        "/labels/-": (404, "task_not_found", "labels of what is no task's name"),
        "/labels/%2e%2e": (404, "task_not_found", "labels of .."),
        "/labels/objects?lang=fr": (400, "parameter_invalid", "labels with a parameter"),
        "/models/cats/latest": (404, "task_not_found", "the latest of an unknown task"),
        "/models/cats/versions": (404, "task_not_found", "versions of an unknown task"),
        "/models/objects/versions?limit=0": (400, "parameter_invalid", "a page of nothing"),
        "/models/objects/versions?limit=101": (400, "parameter_invalid", "a page that is too long"),
        "/models/objects/versions?next=x": (400, "parameter_invalid", "a page that was never named"),
        "/models/objects/1.0/download": (400, "version_invalid", "a version with a point"),
        "/models/objects/latest/download": (400, "version_invalid", "a version that is a word"),
        "/models/objects/0/download": (400, "version_invalid", "version 0"),
        "/models/objects/-1/download": (400, "version_invalid", "version -1"),
        "/models/objects/99999999999999/download": (400, "version_invalid", "a version of 14 digits"),
        "/models/objects/999/download": (404, "version_not_found", "a version that was never published"),
        "/models/cats/1/download": (404, "version_not_found", "a download of an unknown task"),
        "/models/objects/1/download?file=..%2F..%2Fsecret": (404, "file_not_found", "a file that is a path"),
        "/models/objects/1/download?file=": (404, "file_not_found", "a file without a name"),
        "/openapi.json?x=1": (400, "parameter_invalid", "the document with a parameter"),
    }
    return [
        Row(f"models: {name}", status, code, method="GET", path=path, headers={})
        for path, (status, code, name) in wrong.items()
    ]


def _gateway_rows() -> list[Row]:
    tokens: dict[Token, int] = {
        "none": 401,
        "garbage": 401,
        "basic": 401,
        "expired": 401,
        "wrong_issuer": 401,
        "wrong_audience": 401,
        "alg_none": 401,
        "altered": 401,
        "other_key": 401,
        "missing_scope": 403,
        "initiate_auth": 403,
    }
    rows = [Row(f"token: {token}", status, None, body=picture(JPEG), token=token) for token, status in tokens.items()]
    unknown = {
        ("GET", "/"): "the root",
        ("GET", "/detections"): "GET where there is POST",
        ("DELETE", "/models/objects/1/download"): "DELETE",
        ("POST", "/detections/"): "a slash too many",
        ("GET", "/labels"): "labels of no task",
        ("GET", "/labels/objects/1"): "one part too many",
        ("GET", "/admin"): "what was never there",
        ("GET", "/.git/config"): "what scanners ask for",
    }
    rows += [
        Row(f"route: {name}", 404, None, method=method, path=path, headers={})
        for (method, path), name in unknown.items()
    ]
    too_large = b"\xff\xd8\xff" + bytes(limits.HTTP_API_PAYLOAD_BYTES)
    return [*rows, Row("more than API Gateway takes", 413, None, headers=dict(AS_JPEG), body=too_large)]


def _right_rows() -> list[Row]:
    """What a careless check would refuse, or a careless answer be hurt by."""
    good = b64(JPEG)
    bodies = {
        "name with ../": picture(JPEG, name="../../etc/passwd"),
        "name with a line break": picture(JPEG, name="x.jpg\r\nX-Injected: yes"),
        "name in another script": picture(JPEG, name="фото 📷.jpg"),
        "name with a null character": picture(JPEG, name="x\u0000.jpg"),
        "the longest name": picture(JPEG, name="ж" * limits.PICTURE_NAME_CHARACTERS),
        "an empty name": picture(JPEG, name=""),
        "no name": picture(JPEG),
        "a name that says GIF": picture(JPEG, name="x.gif"),
        "base64 without padding": sent(file=good.rstrip("=")),
        "URL-safe base64": sent(file=base64.urlsafe_b64encode(JPEG).decode()),
        "base64 in lines": sent(file=base64.encodebytes(JPEG).decode()),
        "a data URL": sent(file=f"data:image/jpeg;base64,{good}"),
        "a data URL in capitals": sent(file=f"DATA:IMAGE/JPEG;BASE64,{good}"),
        "a data URL of a wrong type": sent(file=f"data:text/plain;charset=utf-8;base64,{good}"),
        "a PNG": picture(png(30, 20)),
        "a turned JPEG": picture(jpeg(exif=exif(6))),
    }
    rows = [Row(f"right: {name}", 200, None, body=body) for name, body in bodies.items()]
    png_as_jpeg = Row("right: a PNG as image/jpeg", 200, None, headers=dict(AS_JPEG), body=png(30, 20))
    mixed = Row("right: a type in capitals", 200, None, headers={"content-type": "Image/JPEG; q=1"}, body=JPEG)
    charset = {"content-type": "application/json; charset=UTF-8"}
    utf8 = Row("right: a charset", 200, None, headers=charset, body=picture(JPEG))
    query = Row(
        "right: parameters",
        200,
        None,
        path=f"{DETECTIONS}?task=objects&min_score=1e-3&max_detections=100",
        body=picture(JPEG),
    )
    return [*rows, png_as_jpeg, mixed, utf8, query]


ROWS: list[Row] = [
    *(*_json_rows(), *_base64_rows(), *_picture_rows(), *_header_rows(), *_parameter_rows(), *_model_rows()),
    *(*_gateway_rows(), *_right_rows()),
]
