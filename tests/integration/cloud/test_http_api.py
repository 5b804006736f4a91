"""An HTTP API from a template to its answers, over HTTP: authoriser, cross-origin requests, throttling, access log."""

import http.client
import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from tests.integration.cloud.conftest import make_client
from tests.integration.cloud.test_functions import resources

CODE = """
import json, os

def handler(event, context):
    if event["rawPath"].endswith("/broken"):
        raise LookupError("as asked")
    if event["rawPath"].endswith("/slow"):
        import time
        time.sleep(2)
    return {
        "statusCode": 201,
        "headers": {"content-type": "application/json", "access-control-allow-origin": "https://elsewhere"},
        "cookies": ["a=1", "b=2; Secure"],
        "body": json.dumps(event),
    }
"""
ORIGIN = "https://app.example.com"
ACCESS_LOG = {
    "path": "$context.path",
    "route": "$context.routeKey",
    "status": "$context.status",
    "claim": "$context.authorizer.claims.scope",
}


def route(key: str, integration: str = "Integration", **more: Any) -> dict[str, Any]:
    target = {"Fn::Join": ["", ["integrations/", {"Ref": integration}]]}
    return part("Route", RouteKey=key, Target=target, **more)


def part(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::ApiGatewayV2::{kind}", "Properties": {"ApiId": {"Ref": "Api"}, **properties}}


def integration(**more: Any) -> dict[str, Any]:
    function = {"Fn::GetAtt": ["Function", "Arn"]}
    return part("Integration", IntegrationType="AWS_PROXY", IntegrationUri=function, PayloadFormatVersion="2.0", **more)


def template() -> dict[str, Any]:
    locked = {"AuthorizationType": "JWT", "AuthorizerId": {"Ref": "Authorizer"}, "AuthorizationScopes": ["app/see"]}
    source = {"Fn::Sub": "arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*/*/p/*"}
    return {
        **resources(code=CODE),
        "Api": {
            "Type": "AWS::ApiGatewayV2::Api",
            "Properties": {
                "Name": "trial",
                "ProtocolType": "HTTP",
                "CorsConfiguration": {"AllowOrigins": [ORIGIN], "AllowMethods": ["POST"], "MaxAge": "300"},
            },
        },
        "Integration": integration(),
        "Hasty": integration(TimeoutInMillis=1000),
        "Permission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "FunctionName": {"Fn::GetAtt": ["Function", "Arn"]},
                "Action": "lambda:InvokeFunction",
                "Principal": "apigateway.amazonaws.com",
                "SourceArn": source,
            },
        },
        "Authorizer": part(
            "Authorizer",
            Name="tokens",
            AuthorizerType="JWT",
            IdentitySource=["$request.header.Authorization"],
            JwtConfiguration={
                "Issuer": {"Fn::GetAtt": ["Pool", "ProviderURL"]},
                "Audience": [{"Ref": "Client"}],
            },
        ),
        "Open": route("ANY /p/{name}"),
        "Slow": route("GET /p/slow", "Hasty"),
        "Forbidden": route("GET /forbidden"),
        "Scarce": route("GET /p/scarce"),
        "Locked": route("GET /p/locked", **locked),
        "Group": {"Type": "AWS::Logs::LogGroup"},
        "Stage": part(
            "Stage",
            StageName="api",
            AutoDeploy=True,
            AccessLogSettings={
                "DestinationArn": {"Fn::GetAtt": ["Group", "Arn"]},
                "Format": json.dumps(ACCESS_LOG),
            },
            RouteSettings={"GET /p/scarce": {"ThrottlingRateLimit": 0.001, "ThrottlingBurstLimit": 2}},
        ),
        "Pool": {"Type": "AWS::Cognito::UserPool", "Properties": {}},
        "Domain": {
            "Type": "AWS::Cognito::UserPoolDomain",
            "Properties": {"UserPoolId": {"Ref": "Pool"}, "Domain": "http-api-trial"},
        },
        "Scopes": {
            "Type": "AWS::Cognito::UserPoolResourceServer",
            "Properties": {
                "UserPoolId": {"Ref": "Pool"},
                "Identifier": "app",
                "Name": "app",
                "Scopes": [{"ScopeName": each, "ScopeDescription": each} for each in ("see", "sign")],
            },
        },
        "Client": {
            "Type": "AWS::Cognito::UserPoolClient",
            "DependsOn": ["Scopes"],
            "Properties": {
                "UserPoolId": {"Ref": "Pool"},
                "GenerateSecret": True,
                "AllowedOAuthFlows": ["client_credentials"],
                "AllowedOAuthFlowsUserPoolClient": True,
                "AllowedOAuthScopes": ["app/see", "app/sign"],
            },
        },
        "Alarm": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "Namespace": "AWS/ApiGateway",
                "MetricName": "5xx",
                "Dimensions": [{"Name": "ApiId", "Value": {"Ref": "Api"}}],
                "ComparisonOperator": "GreaterThanThreshold",
                "Threshold": "0",
                "EvaluationPeriods": 1,
                "Period": 60,
                "Statistic": "Sum",
            },
        },
    }


@dataclass(frozen=True)
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name), None)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Trial:
    """A deployed API and how to ask it."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        formation = self.client("cloudformation")
        outputs = {
            name: {"Value": value}
            for name, value in {
                "Url": {"Fn::GetAtt": ["Api", "ApiEndpoint"]},
                "Group": {"Ref": "Group"},
                **{name: {"Ref": name} for name in ("Api", "Authorizer", "Client", "Pool", "Alarm", "Stage")},
            }.items()
        }
        body = json.dumps({"Resources": template(), "Outputs": outputs})
        formation.create_stack(StackName="HttpApi", TemplateBody=body)
        stack = formation.describe_stacks(StackName="HttpApi")["Stacks"][0]
        events = formation.describe_stack_events(StackName="HttpApi")["StackEvents"]
        assert stack["StackStatus"] == "CREATE_COMPLETE", [e for e in events if "FAILED" in e["ResourceStatus"]]
        self.outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
        self.url = urlsplit(self.outputs["Url"])

    def client(self, service: str) -> Any:
        return make_client(self._endpoint, service)

    def ask(self, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection(str(self.url.hostname), self.url.port)
        try:
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, self.url.path + path, body, sent)
            reply = connection.getresponse()
            return Answer(reply.status, reply.getheaders(), reply.read())
        finally:
            connection.close()

    def token(self, scope: str) -> str:
        client = self.client("cognito-idp").describe_user_pool_client(
            UserPoolId=self.outputs["Pool"], ClientId=self.outputs["Client"]
        )["UserPoolClient"]
        form = {
            "grant_type": "client_credentials",
            "client_id": client["ClientId"],
            "client_secret": client["ClientSecret"],
            "scope": scope,
        }
        connection = http.client.HTTPConnection(str(self.url.hostname), self.url.port)
        connection.request(
            "POST", "/oauth2/token", urlencode(form), {"content-type": "application/x-www-form-urlencoded"}
        )
        reply = json.loads(connection.getresponse().read())
        connection.close()
        assert "access_token" in reply, reply
        return str(reply["access_token"])


@pytest.fixture(scope="module")
def api(empty_cloud) -> Trial:
    return Trial(empty_cloud.endpoint)


def test_a_function_answers(api):
    answer = api.ask("/api/p/a%20b?x=1&x=2&y=", "POST", b'{"a": 1}', content_type="application/json", cookie="c=1; d=2")
    assert (answer.status, answer.header("content-type")) == (201, "application/json")
    assert [value for name, value in answer.headers if name.lower() == "set-cookie"] == ["a=1", "b=2; Secure"]
    assert answer.header("apigw-requestid")
    event = answer.json
    assert (event["version"], event["routeKey"], event["rawPath"]) == ("2.0", "ANY /p/{name}", "/api/p/a b")
    assert (event["rawQueryString"], event["queryStringParameters"]) == ("x=1&x=2&y=", {"x": "1,2", "y": ""})
    assert (event["pathParameters"], event["cookies"]) == ({"name": "a b"}, ["c=1", "d=2"])
    assert (event["body"], event["isBase64Encoded"]) == ('{"a": 1}', False)
    assert event["requestContext"]["domainName"] == f"{api.outputs['Api']}.execute-api.us-east-1.amazonaws.com"
    assert api.ask("/api/p/x", "PUT", b"\xff\xd8", content_type="image/jpeg").json["body"] == "/9g="


def test_headers_that_are_repeated(api):
    connection = http.client.HTTPConnection(str(api.url.hostname), api.url.port)
    connection.putrequest("GET", f"{api.url.path}/api/p/x")
    for name, value in (("x-twice", "a"), ("x-twice", "b"), ("cookie", "c=1"), ("cookie", "d=2")):
        connection.putheader(name, value)
    connection.endheaders()
    event = json.loads(connection.getresponse().read())
    connection.close()
    assert (event["headers"]["x-twice"], event["cookies"]) == ("a,b", ["c=1", "d=2"])


@pytest.mark.parametrize(
    ("path", "method", "status", "message"),
    [
        ("/api/nothing", "GET", 404, "Not Found"),
        ("/other/p/x", "GET", 404, "Not Found"),
        ("/api/p/x/", "GET", 404, "Not Found"),
        ("/api/forbidden", "GET", 500, "Internal Server Error"),
        ("/api/p/broken", "GET", 500, "Internal Server Error"),
        ("/api/p/slow", "GET", 503, "Service Unavailable"),
        ("/api/p/locked", "GET", 401, "Unauthorized"),
    ],
)
def test_the_gateways_own_answers(api, path, method, status, message):
    answer = api.ask(path, method)
    assert (answer.status, answer.body) == (status, json.dumps({"message": message}, separators=(",", ":")).encode())
    assert answer.header("apigw-requestid")


def test_what_is_too_large(api):
    assert api.ask("/api/p/x", "POST", bytes(10 * 2**20 + 1)).status == 413
    assert api.ask("/api/p/x", "POST", bytes(6 * 2**20)).status == 413
    assert api.ask("/api/p/x", x_long="x" * 10_240).status == 431


def test_a_head_has_no_body(api):
    answer = api.ask("/api/p/x", "HEAD")
    assert (answer.status, answer.body) == (201, b"")


def test_tokens(api):
    good = api.token("app/see")
    answer = api.ask("/api/p/locked", authorization=f"Bearer {good}")
    assert answer.status == 201
    jwt = answer.json["requestContext"]["authorizer"]["jwt"]
    assert (jwt["claims"]["scope"], jwt["claims"]["client_id"]) == ("app/see", api.outputs["Client"])
    assert isinstance(jwt["claims"]["exp"], str)
    assert api.ask("/api/p/locked", authorization=f"Bearer {api.token('app/sign')}").status == 403
    altered = good.rsplit(".", 1)[0] + ".AAAA"
    assert api.ask("/api/p/locked", authorization=altered).status == 401


def test_an_authorisers_audience_can_be_changed(api):
    gateway = api.client("apigatewayv2")
    names = {"ApiId": api.outputs["Api"], "AuthorizerId": api.outputs["Authorizer"]}
    good, before = api.token("app/see"), gateway.get_authorizer(**names)["JwtConfiguration"]
    gateway.update_authorizer(**names, JwtConfiguration={**before, "Audience": ["somebody"]})
    refused = api.ask("/api/p/locked", authorization=good)
    gateway.update_authorizer(**names, JwtConfiguration=before)
    assert (refused.status, "valid audience" in str(refused.header("www-authenticate"))) == (401, True)
    assert api.ask("/api/p/locked", authorization=good).status == 201
    assert len(gateway.get_routes(ApiId=api.outputs["Api"])["Items"]) == 5


def test_pages_of_other_origins(api):
    allowed = api.ask("/api/p/x", origin=ORIGIN)
    assert allowed.header("access-control-allow-origin") == ORIGIN
    assert api.ask("/api/p/x", origin="https://elsewhere").header("access-control-allow-origin") is None
    preflight = api.ask("/api/detect", "OPTIONS", origin=ORIGIN, access_control_request_method="POST")
    assert (preflight.status, preflight.header("access-control-allow-methods")) == (204, "POST")
    assert preflight.header("access-control-max-age") == "300"


def test_throttling(api):
    statuses = [api.ask("/api/p/scarce").status for _ in range(4)]
    assert statuses == [201, 201, 429, 429]


def test_the_access_log_has_every_request(api):
    with ThreadPoolExecutor(8) as several:  # which end in another order than they began
        answers = list(several.map(lambda number: api.ask(f"/api/many/{number}"), range(40)))
    assert {answer.status for answer in answers} == {404}
    logs, lines = api.client("logs"), []
    end = time.monotonic() + 20
    while len(lines) < 40 and time.monotonic() < end:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=api.outputs["Group"])
        texts = [event["message"] for page in pages for event in page["events"]]  # the function's own among them
        lines = [json.loads(text) for text in texts if text.startswith('{"path": "/api/many/')]
    assert {line["path"] for line in lines} == {f"/api/many/{number}" for number in range(40)}
    assert lines[0] == {"path": lines[0]["path"], "route": "-", "status": "404", "claim": "-"}


def test_the_alarm_and_the_end_of_a_stack(api):
    alarms = api.client("cloudwatch")
    described = alarms.describe_alarms(AlarmNames=[api.outputs["Alarm"]])["MetricAlarms"]
    assert [alarm["MetricName"] for alarm in described] == ["5xx"]
    api.client("cloudformation").delete_stack(StackName="HttpApi")
    assert alarms.describe_alarms(AlarmNames=[api.outputs["Alarm"]])["MetricAlarms"] == []
    assert api.ask("/api/p/x").status == 404
