"""`edgetrain web publish` against the embedded S3 and CloudFront: what a viewer sees, what is sent, kept and deleted."""

import json

import pytest

from edgetrain.client.publishing import KEPT_SECONDS, Publisher, Site, WebFile, read_bundle
from edgetrain.errors import NotDeployed, UsageError
from tests.unit.local.cloudfront.conftest import Clock

FLAT = {
    "WebUrl": "https://d1.cloudfront.net",
    "SignInUrl": "https://x.auth.us-east-1.amazoncognito.com",
    "WebClientId": "client",
    "WebBucket": "bucket",
    "DistributionId": "E1",
    "ObjectsEndpoint": "endpoint-1",
    "DataBucket": "data",
}
FOR_EVER = "public, max-age=31536000, immutable"


def bundle(folder, **changes):
    """A built web app; `changes` are texts by file, None for a file that is not there."""
    files = {
        "index.html": "<html>1</html>",
        "assets/index-Aa0_bb-1.js": "export const a = 1;",
        "assets/index-Aa0_bb-1.js.map": "{}",
        "assets/litert-33YBP2yd.wasm": "wasm",
        "icon.svg": "<svg/>",
        "config.json": '{"from": "a developer"}',
        ".sources": "hash",
        **changes,
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        if text is not None:
            path.write_text(text)
    return folder


@pytest.fixture
def publisher(web, site):
    """A publisher of the deployed site, with a clock of its own."""
    deployed = Site.of({**FLAT, "WebUrl": site["Url"], "WebBucket": site["Bucket"], "DistributionId": site["Id"]})
    clock = Clock()
    made = Publisher(deployed, web.clients.client("s3"), web.clients.client("cloudfront"), clock=clock)
    made.clock = clock
    return made


def publish(publisher, folder):
    return publisher.publish(folder, lambda _: None)


def test_what_is_published_is_seen(publisher, web, site, tmp_path):
    told = publish(publisher, bundle(tmp_path))
    assert told.uploaded == (
        "assets/index-Aa0_bb-1.js",
        "assets/litert-33YBP2yd.wasm",
        "icon.svg",
        "config.json",
        "index.html",
    )
    assert (told.url, told.bucket, told.unchanged, told.removed) == (site["Url"], site["Bucket"], 0, ())
    served = {path: web.ask(path) for path in ("/", "/assets/index-Aa0_bb-1.js", "/assets/litert-33YBP2yd.wasm")}
    assert served["/"].body == b"<html>1</html>"
    headers = {
        path: (answer.headers["content-type"], answer.headers["cache-control"]) for path, answer in served.items()
    }
    assert headers == {
        "/": ("text/html; charset=utf-8", "no-cache"),
        "/assets/index-Aa0_bb-1.js": ("text/javascript; charset=utf-8", FOR_EVER),
        "/assets/litert-33YBP2yd.wasm": ("application/wasm", FOR_EVER),
    }
    assert web.ask("/icon.svg").headers["cache-control"] == "no-cache"
    assert web.ask("/assets/index-Aa0_bb-1.js.map").status == 403
    assert web.ask("/.sources").status == 403


def test_the_page_is_told_what_is_deployed(publisher, web, tmp_path):
    publish(publisher, bundle(tmp_path))
    answer = web.ask("/config.json")
    assert answer.headers["content-type"] == "application/json"
    assert json.loads(answer.body) == {
        "apiUrl": "/api",
        "signIn": {
            "url": "https://x.auth.us-east-1.amazoncognito.com",
            "clientId": "client",
            "scopes": ["openid", "edgetrain/detect", "edgetrain/contribute"],
        },
        "tasks": ["objects"],
    }


def test_nothing_new_is_not_sent_and_not_invalidated(publisher, tmp_path):
    first = publish(publisher, bundle(tmp_path))
    assert first.invalidation is not None
    again = publish(publisher, tmp_path)
    assert (again.uploaded, again.unchanged, again.removed, again.invalidation) == ((), 5, (), None)


def test_a_new_page_is_seen_at_once(publisher, web, site, tmp_path):
    publish(publisher, bundle(tmp_path))
    web.put(site["Bucket"], "index.html", b"<html>1</html>", "text/html", CacheControl="max-age=600")
    assert web.ask("/").body == b"<html>1</html>"
    told = publish(publisher, bundle(tmp_path, **{"index.html": "<html>2</html>"}))
    assert told.uploaded == ("index.html",)
    assert web.ask("/").body == b"<html>2</html>"


def test_other_headers_are_sent_again(publisher, web, site, tmp_path):
    publish(publisher, bundle(tmp_path))
    web.put(site["Bucket"], "icon.svg", b"<svg/>", "text/plain", CacheControl="no-cache")
    assert publish(publisher, tmp_path).uploaded == ("icon.svg",)
    assert web.ask("/icon.svg").headers["content-type"] == "image/svg+xml"


def test_open_pages_find_their_old_parts_for_a_week(publisher, web, tmp_path):
    publish(publisher, bundle(tmp_path))
    newer = {"assets/index-Aa0_bb-1.js": None, "assets/index-Cc2_dd-3.js": "export const a = 2;"}
    assert publish(publisher, bundle(tmp_path, **newer)).removed == ()
    publisher.clock.now += KEPT_SECONDS - 1
    assert publish(publisher, tmp_path).removed == ()
    assert web.ask("/assets/index-Aa0_bb-1.js").status == 200
    publisher.clock.now += 1
    told = publish(publisher, tmp_path)
    assert told.removed == ("assets/index-Aa0_bb-1.js",)
    assert told.invalidation is not None
    assert web.ask("/assets/index-Aa0_bb-1.js").status == 403


def test_a_part_that_comes_back_is_current_again(publisher, web, tmp_path):
    publish(publisher, bundle(tmp_path))
    without = {"assets/index-Aa0_bb-1.js": None}
    publish(publisher, bundle(tmp_path, **without))
    publisher.clock.now += KEPT_SECONDS
    assert publish(publisher, bundle(tmp_path)).uploaded == ("assets/index-Aa0_bb-1.js",)
    publisher.clock.now += KEPT_SECONDS
    assert publish(publisher, bundle(tmp_path, **without)).removed == ()
    assert web.ask("/assets/index-Aa0_bb-1.js").status == 200


def test_an_emptied_bucket_can_be_deleted(publisher, web, site, tmp_path):
    publish(publisher, bundle(tmp_path))
    assert web.ask("/").status == 200
    told = publisher.remove()
    assert "index.html" in told.removed
    assert web.ask("/").status == 403
    web.clients.client("s3").delete_bucket(Bucket=site["Bucket"])
    web.clients.client("s3").create_bucket(Bucket=site["Bucket"])  # the test's stack deletes it
    assert publisher.remove().invalidation is None


def test_a_folder_without_a_page(tmp_path):
    with pytest.raises(UsageError, match=r"holds no index\.html"):
        read_bundle(tmp_path, {})


@pytest.mark.parametrize(
    "missing", ["WebUrl", "WebBucket", "DistributionId", "SignInUrl", "WebClientId", "ObjectsEndpoint"]
)
def test_a_site_that_is_not_all_deployed(missing):
    flat = {name: value for name, value in FLAT.items() if name != missing}
    with pytest.raises(NotDeployed, match=missing if missing != "ObjectsEndpoint" else "Endpoint"):
        Site.of(flat)


@pytest.mark.parametrize(
    ("key", "kind", "control"),
    [
        ("assets/worker-PPhXmrG5.js", "text/javascript; charset=utf-8", FOR_EVER),
        ("assets/plain.js", "text/javascript; charset=utf-8", "no-cache"),
        ("deep/worker-PPhXmrG5.js", "text/javascript; charset=utf-8", "no-cache"),
        ("font-PPhXmrG5.woff2", "font/woff2", "no-cache"),
        ("LICENSE", "application/octet-stream", "no-cache"),
    ],
)
def test_types_and_how_long_they_are_kept(key, kind, control):
    assert WebFile(key, b"").headers == {"ContentType": kind, "CacheControl": control}
