"""What CloudFront keeps, for how long, and what makes it forget: who forgets to invalidate sees it here as on AWS."""

import pytest

from edgetrain.local.cloudfront.cache import Cache
from edgetrain.local.cloudfront.policies import CACHE_POLICIES
from edgetrain.local.wsgi import Reply
from tests.unit.local.cloudfront.conftest import DISABLED, OPTIMIZED, Clock, site_template


def invalidate(web, site, *paths):
    batch = {"Paths": {"Quantity": len(paths), "Items": list(paths)}, "CallerReference": str(paths)}
    client = web.clients.client("cloudfront")
    return client.create_invalidation(DistributionId=site["Id"], InvalidationBatch=batch)["Invalidation"]


def test_a_new_file_is_seen_once_the_old_one_is_invalidated(web, site):
    web.put(site["Bucket"], "index.html", b"old", CacheControl="max-age=600")
    assert web.ask("/").headers["x-cache"] == "Miss from cloudfront"
    web.put(site["Bucket"], "index.html", b"new", CacheControl="max-age=600")
    web.clock.now += 5
    kept = web.ask("/")
    assert (kept.body, kept.headers["x-cache"], kept.headers["age"]) == (b"old", "Hit from cloudfront", "5")
    made = invalidate(web, site, "/*")
    assert web.ask("/").body == b"new"
    client = web.clients.client("cloudfront")
    told = client.get_invalidation(DistributionId=site["Id"], Id=made["Id"])["Invalidation"]
    assert (told["Status"], told["InvalidationBatch"]["Paths"]["Items"]) == ("Completed", ["/*"])
    client.get_waiter("invalidation_completed").wait(
        DistributionId=site["Id"], Id=made["Id"], WaiterConfig={"MaxAttempts": 1}
    )


def test_an_invalidation_names_paths(web, site):
    for key in ("a.txt", "b/c.txt"):
        web.put(site["Bucket"], key, b"old", "text/plain")
        web.ask(f"/{key}")
        web.put(site["Bucket"], key, b"new", "text/plain")
    invalidate(web, site, "/b/*")
    assert (web.ask("/a.txt").body, web.ask("/b/c.txt").body) == (b"old", b"new")
    invalidate(web, site, "/a.txt")
    assert web.ask("/a.txt").body == b"new"


def test_the_root_and_its_page_are_kept_apart(web, site):
    web.put(site["Bucket"], "index.html", b"old")
    web.ask("/")
    web.put(site["Bucket"], "index.html", b"new")
    assert (web.ask("/").body, web.ask("/index.html").body) == (b"old", b"new")


def test_an_invalidation_of_a_distribution_that_is_not_there(web, site):
    with pytest.raises(web.clients.client("cloudfront").exceptions.NoSuchDistribution):
        invalidate(web, {"Id": "ENONE"}, "/*")


@pytest.mark.parametrize(
    ("control", "fresh", "stale"),
    [
        ("max-age=60", 59, 60),
        ("no-cache", 0.5, 1),
        ("no-store", 0.5, 1),
        ("max-age=60, s-maxage=5", 4, 5),
        ("", 86_399, 86_400),
    ],
)
def test_for_how_long(web, site, control, fresh, stale):
    web.put(site["Bucket"], "a.txt", b"old", "text/plain", CacheControl=control)
    web.ask("/a.txt")
    web.put(site["Bucket"], "a.txt", b"new", "text/plain", CacheControl=control)
    web.clock.now += fresh
    assert web.ask("/a.txt").body == b"old"
    web.clock.now += stale - fresh
    assert web.ask("/a.txt").body == b"new"


def test_queries_are_no_part_of_a_path(web, site):
    web.put(site["Bucket"], "a.txt", b"old", "text/plain")
    web.ask("/a.txt")
    assert web.ask("/a.txt?v=2").headers["x-cache"] == "Hit from cloudfront"


def test_errors_of_an_api_are_kept_for_ten_seconds_unless_it_is_said_otherwise(web, site):
    web.api.reply = Reply.of(404, b"{}", "application/json")
    web.ask("/api/models/x/latest")
    web.ask("/api/models/x/latest")
    assert len(web.api.asked) == 1
    web.clock.now += 10
    web.ask("/api/models/x/latest")
    assert len(web.api.asked) == 2
    web.ask("/api/models/x/latest", method="POST")
    assert len(web.api.asked) == 3
    web.clock.now += 10
    web.deploy(site_template(CustomErrorResponses=[{"ErrorCode": 404, "ErrorCachingMinTTL": 0}]))
    web.ask("/api/models/x/latest")
    web.ask("/api/models/x/latest")
    assert len(web.api.asked) == 5


def test_a_distribution_that_goes_takes_what_is_kept_along(web, site):
    web.put(site["Bucket"], "index.html", b"old")
    web.ask("/")
    web.deploy({"Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}}})
    again = web.deploy(site_template())
    assert (again["Bucket"], again["Id"]) == (site["Bucket"], site["Id"])
    web.put(again["Bucket"], "index.html", b"new")
    assert web.ask("/").body == b"new"


# --- the parts


def test_policies():
    optimized, disabled = CACHE_POLICIES[OPTIMIZED], CACHE_POLICIES[DISABLED]
    assert optimized.seconds_for("public, max-age=31536000, immutable") == 31_536_000
    assert optimized.seconds_for("max-age=99999999999") == 31_536_000
    assert optimized.seconds_for("max-age=0") == 1
    assert disabled.seconds_for("max-age=60") == 0


def test_what_was_asked_for_before_an_invalidation_is_not_kept_after_it():
    cache = Cache(clock=Clock())
    era = cache.era
    cache.invalidate("E", ["/*"])
    cache.keep("E", "/a", status=200, headers={}, body=b"old", seconds=60, era=era)
    assert cache.find("E", "/a") is None
    cache.keep("E", "/a", status=200, headers={}, body=b"new", seconds=60, era=cache.era)
    assert cache.find("E", "/a").body == b"new"


def test_what_was_asked_for_longest_ago_goes_first():
    cache = Cache(clock=Clock(), capacity=10)
    for path in ("/a", "/b"):
        cache.keep("E", path, status=200, headers={}, body=b"12345", seconds=60, era=cache.era)
    cache.find("E", "/a")
    cache.keep("E", "/c", status=200, headers={}, body=b"12345", seconds=60, era=cache.era)
    cache.keep("E", "/large", status=200, headers={}, body=b"x" * 11, seconds=60, era=cache.era)
    assert [path for path in ("/a", "/b", "/c", "/large") if cache.find("E", path)] == ["/a", "/c"]
