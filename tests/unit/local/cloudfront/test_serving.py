"""What a viewer of a distribution gets: files of the bucket, the API, headers, and CloudFront's own refusals."""

import gzip
import io

import pytest

from edgetrain.local.wsgi import Reply
from tests.unit.local.cloudfront.conftest import API_HOST, site_template

SCRIPT = b"export const a = 1;\n" * 200


def test_the_url_is_this_machines_and_the_domain_is_awss(site):
    assert site["Url"] == "http://127.0.0.1:4567"
    assert site["Domain"].startswith("d")
    assert site["Domain"].endswith(".cloudfront.net")
    assert len(site["Domain"].split(".")[0]) == 14
    assert len(site["Id"]) == 14


def test_the_root_is_the_page(web, site):
    web.put(site["Bucket"], "index.html", b"<html>")
    answer = web.ask("/")
    assert (answer.status, answer.body) == (200, b"<html>")
    assert answer.headers["content-type"] == "text/html"
    assert answer.headers["content-length"] == "6"
    assert answer.headers["via"] == f"1.1 {site['Domain']} (CloudFront)"
    assert web.ask("/", method="HEAD").body == b""


def test_every_answer_has_the_policys_headers(web, site):
    web.put(site["Bucket"], "index.html", b"<html>")
    for path, status in (("/", 200), ("/missing", 403)):
        answer = web.ask(path)
        assert answer.status == status
        assert answer.headers["content-security-policy"] == "connect-src http://127.0.0.1:4566"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "x-amz-id-2" not in answer.headers


def test_what_is_not_there_is_refused_as_by_s3_without_listing(web, site):
    answer = web.ask("/assets/none.js")
    assert answer.status == 403
    assert b"<Code>AccessDenied</Code>" in answer.body
    assert answer.headers["x-cache"] == "Error from cloudfront"


def test_keys_are_read_as_they_are_encoded(web, site):
    web.put(site["Bucket"], "a b/ü.txt", b"umlaut", "text/plain")
    assert web.ask("/a%20b/%C3%BC.txt").body == b"umlaut"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_methods_that_a_behaviour_has_not(web, site, method):
    answer = web.ask("/", method=method, body=b"x")
    assert answer.status == 403
    assert b"not configured to allow the HTTP request method" in answer.body


def test_the_policy_of_the_bucket_decides(web, site):
    web.put(site["Bucket"], "index.html", b"<html>")
    s3 = web.clients.client("s3")
    policy = s3.get_bucket_policy(Bucket=site["Bucket"])["Policy"]
    s3.put_bucket_policy(Bucket=site["Bucket"], Policy=policy.replace(site["Id"], "EOTHER"))
    assert web.ask("/").status == 403
    s3.put_bucket_policy(Bucket=site["Bucket"], Policy=policy)
    assert web.ask("/").status == 200
    s3.delete_bucket_policy(Bucket=site["Bucket"])
    assert web.ask("/index.html").status == 403


# --- what a viewer has already, parts, compression


def test_what_has_not_changed_is_not_sent_again(web, site):
    web.put(site["Bucket"], "app.js", SCRIPT, "text/javascript", CacheControl="max-age=9")
    tag = web.ask("/app.js").headers["etag"]
    for conditions in ({"if_none_match": tag}, {"if_none_match": f'"x", W/{tag}'}, {"if_none_match": "*"}):
        answer = web.ask("/app.js", **conditions)
        assert (answer.status, answer.body) == (304, b"")
        assert (answer.headers["etag"], answer.headers["cache-control"]) == (tag, "max-age=9")
        assert "content-length" not in answer.headers
    assert web.ask("/app.js", if_none_match='"other"').status == 200
    changed = web.ask("/app.js").headers["last-modified"]
    assert web.ask("/app.js", if_modified_since=changed).status == 304
    assert web.ask("/app.js", if_modified_since="Thu, 01 Jan 2015 00:00:00 GMT").status == 200
    assert web.ask("/app.js", if_modified_since="yesterday").status == 200


@pytest.mark.parametrize(
    ("asked", "status", "body", "told"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=-2", 206, b"89", "bytes 8-9/10"),
        ("bytes=8-99", 206, b"89", "bytes 8-9/10"),
        ("bytes=10-", 416, b"", "bytes */10"),
        ("bytes=3-1", 200, b"0123456789", None),
        ("bytes=0-1,3-4", 200, b"0123456789", None),
        ("lines=1-2", 200, b"0123456789", None),
    ],
)
def test_a_part(web, site, asked, status, body, told):
    web.put(site["Bucket"], "digits.bin", b"0123456789", "application/octet-stream")
    answer = web.ask("/digits.bin", range=asked)
    assert (answer.status, answer.body, answer.headers.get("content-range")) == (status, body, told)


def test_a_part_of_what_has_changed_is_the_whole(web, site):
    web.put(site["Bucket"], "digits.bin", b"0123456789", "application/octet-stream")
    tag = web.ask("/digits.bin").headers["etag"]
    assert web.ask("/digits.bin", range="bytes=0-3", if_range=tag).status == 206
    assert web.ask("/digits.bin", range="bytes=0-3", if_range='"old"').status == 200


def test_text_is_compressed_for_who_takes_it(web, site):
    web.put(site["Bucket"], "app.js", SCRIPT, "text/javascript")
    plain = web.ask("/app.js")
    assert (plain.body, "content-encoding" in plain.headers) == (SCRIPT, False)
    packed = web.ask("/app.js", accept_encoding="br;q=1.0, gzip;q=0.8")
    assert gzip.decompress(packed.body) == SCRIPT
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"] == "Accept-Encoding"
    assert packed.headers["etag"] == f"W/{plain.headers['etag']}"
    assert packed.headers["content-length"] == str(len(packed.body))
    unchanged = web.ask("/app.js", accept_encoding="gzip", if_none_match=packed.headers["etag"])
    assert (unchanged.status, unchanged.headers["etag"]) == (304, packed.headers["etag"])


@pytest.mark.parametrize(
    ("body", "kind", "more", "asked"),
    [
        (SCRIPT, "text/javascript", {}, "gzip;q=0"),
        (SCRIPT, "text/javascript", {}, "br"),
        (SCRIPT[:999], "text/javascript", {}, "gzip"),
        (SCRIPT, "image/png", {}, "gzip"),
        (SCRIPT, "text/javascript", {"ContentEncoding": "br"}, "gzip"),
    ],
)
def test_what_is_not_compressed(web, site, body, kind, more, asked):
    web.put(site["Bucket"], "app.js", body, kind, **more)
    answer = web.ask("/app.js", accept_encoding=asked)
    assert answer.body == body
    assert answer.headers.get("content-encoding") == more.get("ContentEncoding")


# --- the API


def test_the_api_is_asked_as_the_viewer_asked(web, site):
    web.api.reply = Reply.of(201, b'{"a": 1}', "application/json", {"X-Picture-Id": "p"})
    answer = web.ask("/api/a%2Fb?task=a%20b", method="POST", body=b"jpeg", authorization="Bearer t", cookie="c=1")
    assert (answer.status, answer.body, answer.headers["x-picture-id"]) == (201, b'{"a": 1}', "p")
    (asked,) = web.api.asked
    assert web.api.places == [("a1b2c3", "/api/a%2Fb")]
    assert (asked.method, asked.query) == ("POST", {"task": "a b"})
    assert (asked.header("host"), asked.header("authorization"), asked.header("cookie")) == (
        API_HOST,
        "Bearer t",
        "c=1",
    )
    assert asked.header("x-forwarded-for") == "127.0.0.1"
    assert web.api.bodies == [b"jpeg"]
    assert "content-security-policy" not in answer.headers  # this behaviour names no policy


def test_the_api_is_asked_every_time(web, site):
    for _ in range(2):
        assert web.ask("/api/labels/objects").headers["x-cache"] == "Miss from cloudfront"
    assert len(web.api.asked) == 2


def test_a_path_beside_the_pattern_is_the_buckets(web, site):
    web.ask("/api")
    web.ask("/apix/y")
    assert web.api.asked == []


def test_an_api_that_breaks_is_an_answer(web, site):
    def fail(*_):
        raise RuntimeError("no")

    web.api.answer_host = fail
    assert web.ask("/api/x").status == 500


def test_cookies_of_the_api_reach_the_viewer(web, site):
    web.api.reply = Reply(204, {}, (), ("a=1", "b=2"))
    environ_cookies = []
    web.application(
        {"REQUEST_METHOD": "GET", "PATH_INFO": "/api/x", "HTTP_HOST": "localhost", "wsgi.input": io.BytesIO()},
        lambda _status, headers, *_: environ_cookies.extend(value for name, value in headers if name == "set-cookie"),
    )
    assert environ_cookies == ["a=1", "b=2"]


# --- whom a host name means


def test_hosts(web, site):
    web.put(site["Bucket"], "index.html", b"<html>")
    label = site["Domain"].split(".")[0]
    for host in ("127.0.0.1:4567", "localhost:4567", "localhost", site["Domain"], f"{label}.localhost:4567"):
        assert web.ask("/", host=host).status == 200, host
    for host in ("evil.example", "d0000000000000.cloudfront.net", "127.0.0.1.evil.example:4567", ""):
        answer = web.ask("/", host=host)
        assert (answer.status, b"No distribution of this cloud" in answer.body) == (403, True), host


def test_the_newest_of_two_is_the_root_and_each_has_its_host(web, site):
    web.put(site["Bucket"], "index.html", b"first")
    second = web.deploy(site_template(), f"{web.stack}Second")
    web.put(second["Bucket"], "index.html", b"second")
    assert web.ask("/").body == b"second"
    assert web.ask("/", host=site["Domain"]).body == b"first"
    web.destroy(second["Bucket"], f"{web.stack}Second")
    assert web.ask("/").body == b"first"
    assert web.ask("/", host=second["Domain"]).status == 403


def test_a_disabled_distribution_answers_nobody(web, site):
    web.deploy(site_template(Enabled=False))
    assert web.ask("/", host=site["Domain"]).status == 403


def test_before_anything_is_deployed(web):
    answer = web.ask("/")
    assert (answer.status, b"edgetrain up" in answer.body) == (404, True)
