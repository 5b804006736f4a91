"""The web site: nothing public but by CloudFront, the API below it, headers that refuse what the page does not need."""

import re

import pytest

from edgetrain.errors import UsageError
from tests.infrastructure.reading import EDGE, Assembly, statements, text

#: A part of a policy that a browser need not ask anybody about.
WORDS = {"'self'", "'none'", "'wasm-unsafe-eval'", "blob:", "data:"}


@pytest.fixture(scope="module")
def config(aws: Assembly) -> dict:
    (distribution,) = aws.resources(EDGE, "AWS::CloudFront::Distribution").values()
    return distribution["Properties"]["DistributionConfig"]


@pytest.fixture(scope="module")
def headers(aws: Assembly) -> dict:
    (policy,) = aws.resources(EDGE, "AWS::CloudFront::ResponseHeadersPolicy").values()
    return policy["Properties"]["ResponseHeadersPolicyConfig"]


def test_the_bucket_is_private_and_goes_with_its_stack(aws: Assembly) -> None:
    (bucket,) = aws.resources(EDGE, "AWS::S3::Bucket").values()
    assert set(bucket["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["Properties"]["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert "BucketEncryption" in bucket["Properties"]
    assert "WebsiteConfiguration" not in bucket["Properties"]
    assert "BucketName" not in bucket["Properties"]
    assert bucket["DeletionPolicy"] == "Delete"


def test_only_this_distribution_may_read_it(aws: Assembly) -> None:
    (policy,) = aws.resources(EDGE, "AWS::S3::BucketPolicy").values()
    allowed = [each for each in statements(policy) if each["Effect"] == "Allow"]
    (grant,) = allowed
    assert grant["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    assert grant["Action"] == "s3:GetObject"
    assert text(grant["Resource"]) == "${SiteBucket.Arn}/*"
    condition = grant["Condition"]["StringEquals"]["AWS:SourceArn"]
    assert text(condition).endswith(":distribution/${SiteDistribution}")
    refused = {str(each.get("Condition")) for each in statements(policy) if each["Effect"] == "Deny"}
    assert any("aws:SecureTransport" in each for each in refused)
    assert any("s3:TlsVersion" in each for each in refused)


def test_nothing_runs_to_make_the_site(aws: Assembly) -> None:
    kinds = {each["Type"] for each in aws.template(EDGE)["Resources"].values()}
    assert not {kind for kind in kinds if kind.startswith("Custom::") or "CustomResource" in kind}
    assert "AWS::CloudFront::Function" not in kinds


def test_the_page_and_the_api_share_the_host(config: dict) -> None:
    assert config["DefaultRootObject"] == "index.html"
    assert config["HttpVersion"] == "http2and3"
    assert "Aliases" not in config
    assert "ViewerCertificate" not in config
    page, (api,) = config["DefaultCacheBehavior"], config["CacheBehaviors"]
    assert api["PathPattern"] == "/api/*"
    origins = {each["Id"]: each for each in config["Origins"]}
    assert text(origins[page["TargetOriginId"]]["DomainName"]) == "${SiteBucket.RegionalDomainName}"
    assert text(origins[page["TargetOriginId"]]["OriginAccessControlId"]) == "${SiteAccessControl.Id}"
    host = text(origins[api["TargetOriginId"]]["DomainName"])
    assert re.fullmatch(r"\$\{\w+\}\.execute-api\.\$\{AWS::Region\}\.\S+", host), host
    assert origins[api["TargetOriginId"]]["CustomOriginConfig"]["OriginProtocolPolicy"] == "https-only"


def test_behaviours(config: dict) -> None:
    page, (api,) = config["DefaultCacheBehavior"], config["CacheBehaviors"]
    assert (page["ViewerProtocolPolicy"], api["ViewerProtocolPolicy"]) == ("redirect-to-https", "https-only")
    assert page["AllowedMethods"] == ["GET", "HEAD"]
    assert {"POST", "GET", "OPTIONS"} <= set(api["AllowedMethods"])
    assert page["CachePolicyId"] == "658327ea-f89d-4fab-a63d-7e88639e58f6"  # CachingOptimized
    assert api["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"  # CachingDisabled
    assert api["OriginRequestPolicyId"] == "b689b0a8-53d0-40ab-baf2-68738e2966ac"  # AllViewerExceptHostHeader
    assert page["Compress"] is True
    assert page["ResponseHeadersPolicyId"] == api["ResponseHeadersPolicyId"]


def test_no_error_is_kept(config: dict) -> None:
    kept = {each["ErrorCode"]: each["ErrorCachingMinTTL"] for each in config["CustomErrorResponses"]}
    assert {403, 404, 500, 502, 503, 504} <= set(kept)
    assert set(kept.values()) == {0}
    assert not [each for each in config["CustomErrorResponses"] if "ResponsePagePath" in each]


def test_what_the_page_may_load(headers: dict) -> None:
    security = headers["SecurityHeadersConfig"]
    policy = text(security["ContentSecurityPolicy"]["ContentSecurityPolicy"])
    directives = {each.split()[0]: each.split()[1:] for each in policy.split(";")}
    connects = directives.pop("connect-src")
    assert directives == {
        "default-src": ["'self'"],
        "script-src": ["'self'", "'wasm-unsafe-eval'"],
        "worker-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "form-action": ["'none'"],
    }
    assert connects[0] == "'self'"
    others = connects[1:]
    assert len(others) == 3
    assert [each for each in others if ".amazoncognito.com" in each] == others[:1]
    assert others[1:] == [
        "https://${ModelsBucket}.s3.${AWS::Region}.amazonaws.com",
        "https://${ModelsBucket}.s3.amazonaws.com",
    ]
    assert "unsafe-inline" not in policy
    assert "*" not in policy


def test_other_headers(headers: dict) -> None:
    security = headers["SecurityHeadersConfig"]
    assert security["StrictTransportSecurity"]["AccessControlMaxAgeSec"] >= 31_536_000
    assert "ContentTypeOptions" in security
    assert security["ReferrerPolicy"]["ReferrerPolicy"] == "no-referrer"
    custom = {each["Header"]: each["Value"] for each in headers["CustomHeadersConfig"]["Items"]}
    assert custom["Permissions-Policy"].startswith("camera=(self), microphone=()")
    assert custom["Cross-Origin-Opener-Policy"] == custom["Cross-Origin-Resource-Policy"] == "same-origin"
    everything = [*security.values(), *headers["CustomHeadersConfig"]["Items"]]
    assert {each["Override"] for each in everything} == {True}


# --- what the context says


def site(**context: str) -> dict:
    """The distribution of a stack that has nothing but a site."""
    from aws_cdk import Stack
    from aws_cdk import aws_s3 as s3

    from stacks.application import make_app
    from stacks.constructs.web_site import WebSite

    app = make_app(context=context)
    stack = Stack(app, "Site")
    models = s3.Bucket.from_bucket_name(stack, "Models", "models")
    made = WebSite(stack, "Site", api_host="a.example", sign_in_url="https://b.example", models=models)
    template = app.synth().get_stack_by_name("Site").template["Resources"].values()
    (distribution,) = [each for each in template if each["Type"] == "AWS::CloudFront::Distribution"]
    return {**distribution["Properties"]["DistributionConfig"], "url": made.url}


def test_a_domain_of_ones_own() -> None:
    certificate = "arn:aws:acm:us-east-1:111111111111:certificate/c"
    made = site(web_domain="see.example.org", web_certificate=certificate, web_price_class="all")
    assert made["Aliases"] == ["see.example.org"]
    assert made["ViewerCertificate"]["MinimumProtocolVersion"] == "TLSv1.2_2021"
    assert made["PriceClass"] == "PriceClass_All"
    assert made["url"] == "https://see.example.org"


def test_the_cheapest_when_nothing_is_said() -> None:
    assert site()["PriceClass"] == "PriceClass_100"


@pytest.mark.parametrize(
    ("context", "words"),
    [
        ({"web_price_class": "300"}, "web_price_class is '300': expected one of 100, 200, all"),
        ({"web_domain": "see.example.org"}, "belong together"),
        ({"web_certificate": "arn:aws:acm:us-east-1:1:certificate/c"}, "belong together"),
    ],
)
def test_a_context_that_cannot_be(context: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        site(**context)
