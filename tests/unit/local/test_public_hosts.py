"""Which URLs of AWS become one of this machine, and which do not."""

import pytest

from edgetrain.local.public_hosts import PublicHosts, api_id_of, bucket_of

HERE = "http://127.0.0.1:4566"
WEB = "http://127.0.0.1:4567"
HOSTS = PublicHosts(endpoint=HERE, web=WEB)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://d1abc.cloudfront.net", WEB),
        ("https://d1abc.cloudfront.net/", f"{WEB}/"),
        ("https://d1abc.cloudfront.net:443/x?y=1", f"{WEB}/x?y=1"),
        ("https://a1b2.execute-api.us-east-1.amazonaws.com/api/detections", f"{HERE}/_api/a1b2/api/detections"),
        ("https://edgetrain-1.auth.eu-central-1.amazoncognito.com/oauth2/token", f"{HERE}/oauth2/token"),
        ("https://models-1.s3.us-east-1.amazonaws.com/k", f"{HERE}/k"),
        ("https://my.models.s3.amazonaws.com", HERE),
        ("https://models.s3.us-gov-west-1.amazonaws.com", HERE),
        ("a https://d1.cloudfront.net b https://d2.cloudfront.net; c", f"a {WEB} b {WEB}; c"),
        ('{"url":"https://d1.cloudfront.net"}', f'{{"url":"{WEB}"}}'),
    ],
)
def test_a_public_url_is_served_here(text, expected):
    assert HOSTS.rewrite(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_abc",
        "a1b2.execute-api.us-east-1.amazonaws.com",
        "d1abc.cloudfront.net",
        "http://d1abc.cloudfront.net",
        "https://d1abc.cloudfront.net.example.org/",
        "https://d1abc.cloudfront.net@example.org/",
        "https://d1abc.cloudfront.net:8443/",
        "https://cloudfront.net",
        "https://example.org/?https=//d1.cloudfront.net",
        "https://s3.us-east-1.amazonaws.com/bucket",
        "https://a1b2.execute-api.us-east-1.vpce.amazonaws.com",
        "https://sqs.us-east-1.amazonaws.com/1/q",
        "arn:aws:execute-api:us-east-1:1:a1b2/*",
    ],
)
def test_anything_else_stays(text):
    assert HOSTS.rewrite(text) == text


def test_all_strings_of_a_value_and_no_keys():
    value = {
        "https://d1.cloudfront.net": [
            "https://d1.cloudfront.net/",
            {"Deep": "https://d1.cloudfront.net"},
            3,
            None,
            True,
        ],
    }
    assert HOSTS.localise(value) == {"https://d1.cloudfront.net": [f"{WEB}/", {"Deep": WEB}, 3, None, True]}


def test_a_security_policy_and_cors_get_origins_only():
    api = "https://a1b2.execute-api.us-east-1.amazonaws.com"
    policy = {
        "ContentSecurityPolicy": {
            "ContentSecurityPolicy": f"connect-src 'self' {api}; img-src https://d1.cloudfront.net"
        }
    }
    assert HOSTS.localise(policy) == {
        "ContentSecurityPolicy": {"ContentSecurityPolicy": f"connect-src 'self' {HERE}; img-src {WEB}"}
    }
    assert HOSTS.localise({"AllowOrigins": [api]}) == {"AllowOrigins": [HERE]}
    assert HOSTS.localise({"Environment": api}) == {"Environment": f"{HERE}/_api/a1b2"}


def test_hosts_without_a_scheme_are_read():
    assert api_id_of("a1b2.execute-api.us-east-1.amazonaws.com") == "a1b2"
    assert api_id_of("models.s3.amazonaws.com") is None
    assert bucket_of("models.s3.us-east-1.amazonaws.com") == "models"
    assert bucket_of("my.s3.models.s3.amazonaws.com") == "my.s3.models"
    assert bucket_of("d1.cloudfront.net") is None
