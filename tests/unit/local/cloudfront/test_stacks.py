"""Distributions as stacks make them: what CloudFront's API tells, and what is refused for not being done here."""

from copy import deepcopy

import pytest

from edgetrain.local.cloudfront.distributions import domain_of, identity_of
from tests.unit.local.cloudfront.conftest import API_HOST, OPTIMIZED, site_template


def test_boto3_is_told_of_a_distribution(web, site):
    client = web.clients.client("cloudfront")
    told = client.get_distribution(Id=site["Id"])["Distribution"]
    assert (told["Id"], told["DomainName"], told["Status"]) == (site["Id"], site["Domain"], "Deployed")
    config = told["DistributionConfig"]
    assert [each["DomainName"] for each in config["Origins"]["Items"]][1] == API_HOST
    (behaviour,) = config["CacheBehaviors"]["Items"]
    assert behaviour["PathPattern"] == "/api/*"
    assert "POST" in behaviour["AllowedMethods"]["Items"]
    assert [each["Id"] for each in client.list_distributions()["DistributionList"]["Items"]] == [site["Id"]]


def test_a_distribution_keeps_its_names_over_an_update(web, site):
    changed = web.deploy(site_template(DefaultRootObject="start.html"))
    assert {name: changed[name] for name in ("Id", "Domain")} == {name: site[name] for name in ("Id", "Domain")}
    web.put(site["Bucket"], "start.html", b"start")
    assert web.ask("/").body == b"start"


def test_names_are_the_same_for_the_same_resource_and_others_for_another():
    """What a resource is called does not change over a restart: so its id and domain do not."""
    assert identity_of("Edge-Site-1") == identity_of("Edge-Site-1") != identity_of("Edge-Site-2")
    assert domain_of("Edge-Site-1") == domain_of("Edge-Site-1") != domain_of("Edge-Site-2")


def test_other_headers_after_an_update(web, site):
    template = site_template()
    policy = template["Resources"]["Headers"]["Properties"]["ResponseHeadersPolicyConfig"]
    policy["CustomHeadersConfig"] = {
        "Items": [
            {"Header": "X-One", "Value": "1", "Override": True},
            {"Header": "Content-Type", "Value": "text/x-mine", "Override": False},
        ]
    }
    policy["SecurityHeadersConfig"] = {
        "StrictTransportSecurity": {"AccessControlMaxAgeSec": 60, "IncludeSubdomains": True, "Override": True},
        "ReferrerPolicy": {"ReferrerPolicy": "no-referrer", "Override": True},
        "FrameOptions": {"FrameOption": "DENY", "Override": True},
    }
    web.deploy(template)
    web.put(site["Bucket"], "index.html", b"<html>")
    headers = web.ask("/").headers
    assert (headers["x-one"], headers["content-type"]) == ("1", "text/html")
    assert headers["strict-transport-security"] == "max-age=60; includeSubDomains"
    assert (headers["referrer-policy"], headers["x-frame-options"]) == ("no-referrer", "DENY")
    assert "content-security-policy" not in headers


def test_a_distribution_that_is_deleted_is_unknown(web):
    made = web.deploy(site_template(), f"{web.stack}Short")
    web.destroy(made["Bucket"], f"{web.stack}Short")
    client = web.clients.client("cloudfront")
    with pytest.raises(client.exceptions.NoSuchDistribution):
        client.get_distribution(Id=made["Id"])


BEHAVIOUR = {"TargetOriginId": "site", "CachePolicyId": OPTIMIZED, "ViewerProtocolPolicy": "allow-all"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"WebACLId": "arn"}, "a distribution's WebACLId"),
        ({"CustomErrorResponses": [{"ErrorCode": 404, "ResponsePagePath": "/x"}]}, "no error pages"),
        (
            {"DefaultCacheBehavior": {**BEHAVIOUR, "FunctionAssociations": []}},
            "a cache behaviour's FunctionAssociations",
        ),
        ({"DefaultCacheBehavior": {**BEHAVIOUR, "CachePolicyId": "other"}}, "cache policy other"),
        ({"DefaultCacheBehavior": {**BEHAVIOUR, "TargetOriginId": "other"}}, "origin other is not among"),
        (
            {"CacheBehaviors": [{**BEHAVIOUR, "PathPattern": "/x", "TargetOriginId": "api"}]},
            "origin request policy None",
        ),
        (
            {"Origins": [{"Id": "site", "DomainName": "example.org", "CustomOriginConfig": {}}]},
            "origin example.org is not in the embedded cloud",
        ),
        (
            {"Origins": [{"Id": "site", "DomainName": "example.org", "S3OriginConfig": {}}]},
            "origin example.org is no bucket",
        ),
        (
            {"Origins": [{"Id": "site", "DomainName": "bucket.s3.amazonaws.com", "S3OriginConfig": {}}]},
            "has no OriginAccessControlId",
        ),
        ({"Origins": [{"Id": "site", "DomainName": "x", "OriginShield": {}}]}, "origin's OriginShield"),
    ],
)
def test_what_is_not_done_here_is_refused(web, changes, words):
    with pytest.raises(AssertionError, match=words):
        web.deploy(site_template(**changes))
    web.clients.client("cloudformation").delete_stack(StackName=web.stack)


@pytest.mark.parametrize(
    ("resource", "path", "value", "words"),
    [
        ("Headers", ["ResponseHeadersPolicyConfig", "CorsConfig"], {}, "CorsConfig"),
        ("Headers", ["ResponseHeadersPolicyConfig", "SecurityHeadersConfig", "XSSProtection"], {}, "XSSProtection"),
        ("Access", ["OriginAccessControlConfig", "SigningBehavior"], "never", "never"),
    ],
)
def test_what_is_not_done_of_headers_and_access_is_refused(web, resource, path, value, words):
    template = deepcopy(site_template())
    part = template["Resources"][resource]["Properties"]
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = value
    with pytest.raises(AssertionError, match=words):
        web.deploy(template)
    web.clients.client("cloudformation").delete_stack(StackName=web.stack)
