"""A cloud with S3, CloudFormation and CloudFront, asked without a socket: a site with its API, and viewers of it."""

import io
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from edgetrain.local.cloudformation import CloudFormationApi, Incarnations
from edgetrain.local.cloudformation.providers.cloudfront import cloudfront_providers
from edgetrain.local.cloudfront import CloudFrontApi, Distributions, WebApplication
from edgetrain.local.cloudfront.cache import Cache
from edgetrain.local.front import Front
from edgetrain.local.loopback import Loopback
from edgetrain.local.moto_app import MotoApplication
from edgetrain.local.place import ACCOUNT
from edgetrain.local.public_hosts import PublicHosts
from edgetrain.local.s3 import S3Api
from edgetrain.local.wsgi import Reply, Request, call

OPTIMIZED, DISABLED = "658327ea-f89d-4fab-a63d-7e88639e58f6", "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_BUT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
API_HOST = "a1b2c3.execute-api.us-east-1.amazonaws.com"
METHODS = ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"]


@dataclass
class Clock:
    """Seconds, as a test wants them."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Answer:
    """What a viewer got; header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class FakeApi:
    """An HTTP API: keeps what it was asked, and answers what it is told."""

    asked: list[Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    places: list[tuple[str, str | None]] = field(default_factory=list)
    reply: Reply = field(default_factory=lambda: Reply.of(200, b"{}", "application/json"))

    def answer_host(self, api_id: str, request: Request, path: str | None = None) -> Reply:
        self.bodies.append(request.body())
        self.asked.append(request)
        self.places.append((api_id, path))
        return self.reply


@dataclass
class Web:
    """The cloud, its viewers and its owner."""

    application: WebApplication
    clients: Loopback
    clock: Clock
    api: FakeApi
    stack: str

    def ask(
        self, path: str, *, method: str = "GET", host: str = "127.0.0.1:4567", body: bytes = b"", **headers: str
    ) -> Answer:
        uri, _, query = path.partition("?")
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": uri,
            "REQUEST_URI": path,
            "QUERY_STRING": query,
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": host,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            **{f"HTTP_{name.upper()}": value for name, value in headers.items()},
        }
        reply = call(self.application, environ)
        return Answer(reply.status, {n.lower(): v for n, v in reply.headers.items()}, b"".join(reply.body))

    def put(self, bucket: str, key: str, body: bytes, kind: str = "text/html", **more: str) -> None:
        self.clients.client("s3").put_object(Bucket=bucket, Key=key, Body=body, ContentType=kind, **more)

    def destroy(self, bucket: str, name: str | None = None) -> None:
        s3 = self.clients.client("s3")
        for each in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
            s3.delete_object(Bucket=bucket, Key=each["Key"])
        self.clients.client("cloudformation").delete_stack(StackName=name or self.stack)

    def deploy(self, template: dict[str, Any], name: str | None = None) -> dict[str, str]:
        """Create or update a stack, this test's when it has no name; its outputs."""
        name = name or self.stack
        formation = self.clients.client("cloudformation")
        body = json.dumps(template)
        standing = [each["StackName"] for each in formation.describe_stacks()["Stacks"]]
        change = formation.update_stack if name in standing else formation.create_stack
        change(StackName=name, TemplateBody=body)
        (stack,) = formation.describe_stacks(StackName=name)["Stacks"]
        events = formation.describe_stack_events(StackName=name)["StackEvents"]
        failed = [each.get("ResourceStatusReason") for each in events if each["ResourceStatus"].endswith("_FAILED")]
        assert stack["StackStatus"] in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}, failed
        return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}


def site_template(**changes: Any) -> dict[str, Any]:
    """A site as stacks/constructs/web_site.py declares it, in short; `changes` are of the distribution's configuration."""
    config = {
        "Enabled": True,
        "DefaultRootObject": "index.html",
        "DefaultCacheBehavior": {
            "TargetOriginId": "site",
            "CachePolicyId": OPTIMIZED,
            "Compress": True,
            "AllowedMethods": ["GET", "HEAD"],
            "ResponseHeadersPolicyId": {"Ref": "Headers"},
            "ViewerProtocolPolicy": "redirect-to-https",
        },
        "CacheBehaviors": [
            {
                "PathPattern": "/api/*",
                "TargetOriginId": "api",
                "CachePolicyId": DISABLED,
                "OriginRequestPolicyId": ALL_BUT_HOST,
                "AllowedMethods": METHODS,
                "ViewerProtocolPolicy": "https-only",
            }
        ],
        "Origins": [
            {
                "Id": "site",
                "DomainName": {"Fn::GetAtt": ["Bucket", "RegionalDomainName"]},
                "OriginAccessControlId": {"Fn::GetAtt": ["Access", "Id"]},
                "S3OriginConfig": {"OriginAccessIdentity": ""},
            },
            {"Id": "api", "DomainName": API_HOST, "CustomOriginConfig": {"OriginProtocolPolicy": "https-only"}},
        ],
        **changes,
    }
    arn = {"Fn::Sub": f"arn:aws:cloudfront::{ACCOUNT}:distribution/${{Distribution}}"}
    resources = {
        "Bucket": {"Type": "AWS::S3::Bucket"},
        "Access": {
            "Type": "AWS::CloudFront::OriginAccessControl",
            "Properties": {
                "OriginAccessControlConfig": {
                    "Name": "site",
                    "OriginAccessControlOriginType": "s3",
                    "SigningBehavior": "always",
                    "SigningProtocol": "sigv4",
                }
            },
        },
        "Headers": {
            "Type": "AWS::CloudFront::ResponseHeadersPolicy",
            "Properties": {
                "ResponseHeadersPolicyConfig": {
                    "Name": "site",
                    "SecurityHeadersConfig": {
                        "ContentSecurityPolicy": {
                            "ContentSecurityPolicy": "connect-src https://x.auth.us-east-1.amazoncognito.com",
                            "Override": True,
                        },
                        "ContentTypeOptions": {"Override": True},
                    },
                }
            },
        },
        "Distribution": {"Type": "AWS::CloudFront::Distribution", "Properties": {"DistributionConfig": config}},
        "Policy": {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {
                "Bucket": {"Ref": "Bucket"},
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "cloudfront.amazonaws.com"},
                            "Action": "s3:GetObject",
                            "Resource": {"Fn::Sub": "${Bucket.Arn}/*"},
                            "Condition": {"StringEquals": {"AWS:SourceArn": arn}},
                        }
                    ],
                },
            },
        },
    }
    outputs = {
        "Url": {"Value": {"Fn::Sub": "https://${Distribution.DomainName}"}},
        "Domain": {"Value": {"Fn::GetAtt": ["Distribution", "DomainName"]}},
        "Id": {"Value": {"Ref": "Distribution"}},
        "Bucket": {"Value": {"Ref": "Bucket"}},
    }
    return {"Resources": resources, "Outputs": outputs}


@dataclass(frozen=True)
class WholeCloud:
    """What all tests of a module share: making clients takes longer than asking them."""

    clients: Loopback
    s3: S3Api
    distributions: Distributions
    clock: Clock


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> WholeCloud:
    folder = tmp_path_factory.mktemp("cloud")
    moto = MotoApplication()
    front = Front(moto, b"{}")
    clients, clock = Loopback(front), Clock()
    s3 = S3Api(moto, folder / "objects")
    distributions = Distributions(Cache(clock=clock))
    front.serve("s3", s3)
    front.serve("cloudformation", make_formation(clients, s3, distributions, folder))
    front.serve("cloudfront", CloudFrontApi(moto, distributions))
    return WholeCloud(clients, s3, distributions, clock)


def make_formation(clients: Loopback, s3: S3Api, distributions: Distributions, folder: Path) -> CloudFormationApi:
    hosts = PublicHosts(endpoint="http://127.0.0.1:4566", web="http://127.0.0.1:4567")
    incarnations = Incarnations(folder / "incarnations.json")
    return CloudFormationApi(clients, incarnations, s3.read, hosts.localise, cloudfront_providers(distributions))


@pytest.fixture
def web(cloud: WholeCloud) -> Web:
    """Viewers of the cloud, and an HTTP API of this test's own."""
    api = FakeApi()
    application = WebApplication(cloud.distributions, cloud.s3, api)
    return Web(application, cloud.clients, cloud.clock, api, f"Edge{uuid.uuid4().hex[:8]}")


@pytest.fixture
def site(web: Web) -> Iterator[dict[str, str]]:
    """A deployed site's outputs; its stack goes with the test."""
    outputs = web.deploy(site_template())
    yield outputs
    web.destroy(outputs["Bucket"])
