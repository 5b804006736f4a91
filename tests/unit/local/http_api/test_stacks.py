"""APIs made, changed and taken away by stacks and by API Gateway's own API; without a function behind them."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from edgetrain.local.cloudformation import CloudFormationApi, Incarnations
from edgetrain.local.front import Front
from edgetrain.local.http_api import HttpApiControl
from edgetrain.local.http_api.catalogue import find_stage, statements
from edgetrain.local.http_api.routing import select
from edgetrain.local.loopback import Loopback
from edgetrain.local.moto_app import MotoApplication
from edgetrain.local.public_hosts import PublicHosts


class Cloud:
    """API Gateway and CloudFormation, asked without a socket."""

    def __init__(self, data_dir: Path) -> None:
        moto = MotoApplication()
        front = Front(moto, b"{}")
        self._clients = Loopback(front)
        hosts = PublicHosts(endpoint="http://127.0.0.1:4566", web="http://127.0.0.1:4567")
        front.serve("apigateway", HttpApiControl(moto))
        front.serve(
            "cloudformation",
            CloudFormationApi(self._clients, Incarnations(data_dir / "i.json"), lambda *_: b"", hosts.localise),
        )
        self.gateway = self._clients.client("apigatewayv2")

    def deploy(self, name: str, resources: dict[str, Any]) -> dict[str, str]:
        """Create or update a stack; physical ids by logical ones."""
        formation = self._clients.client("cloudformation")
        outputs = {"Url": {"Value": {"Fn::GetAtt": ["Api", "ApiEndpoint"]}}} if "Api" in resources else {}
        body = json.dumps({"Resources": resources, "Outputs": outputs})
        try:
            formation.update_stack(StackName=name, TemplateBody=body)
        except ClientError as error:
            if "does not exist" not in str(error):
                raise
            formation.create_stack(StackName=name, TemplateBody=body)
        listed = formation.list_stack_resources(StackName=name)["StackResourceSummaries"]
        return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in listed}

    def stack(self, name: str) -> dict[str, Any]:
        return self._clients.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]

    def reasons(self, name: str) -> str:
        events = self._clients.client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
        return " ".join(each.get("ResourceStatusReason", "") for each in events)

    def delete(self, name: str) -> None:
        self._clients.client("cloudformation").delete_stack(StackName=name)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    return Cloud(tmp_path_factory.mktemp("cloud"))


@pytest.fixture
def name() -> str:
    return f"Stack{uuid.uuid4().hex[:8]}"


def part(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::ApiGatewayV2::{kind}", "Properties": {"ApiId": {"Ref": "Api"}, **properties}}


def resources(**changes: Any) -> dict[str, Any]:
    arn = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:f/invocations"
    known = {
        "Api": {
            "Type": "AWS::ApiGatewayV2::Api",
            "Properties": {
                "Name": "trial",
                "ProtocolType": "HTTP",
                "CorsConfiguration": {"AllowOrigins": ["https://d1abc.cloudfront.net"], "MaxAge": 60},
                "Tags": {"a": "b"},
            },
        },
        "Integration": part(
            "Integration",
            IntegrationType="AWS_PROXY",
            IntegrationUri=arn,
            PayloadFormatVersion="2.0",
            TimeoutInMillis="29000",
        ),
        "Authorizer": part(
            "Authorizer",
            Name="tokens",
            AuthorizerType="JWT",
            IdentitySource=["$request.header.Authorization"],
            JwtConfiguration={"Issuer": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_P", "Audience": ["web"]},
        ),
        "Route": part(
            "Route",
            RouteKey="GET /x",
            Target={"Fn::Join": ["/", ["integrations", {"Ref": "Integration"}]]},
            AuthorizationType="JWT",
            AuthorizerId={"Ref": "Authorizer"},
            AuthorizationScopes=["see"],
        ),
        "Stage": part(
            "Stage",
            StageName="api",
            AutoDeploy=True,
            AccessLogSettings={
                "DestinationArn": "arn:aws:logs:us-east-1:123456789012:log-group:the-group",
                "Format": "$context.status",
            },
            DefaultRouteSettings={"ThrottlingRateLimit": "50", "ThrottlingBurstLimit": "100"},
            Tags={"c": "d"},
        ),
    }
    return {logical: each for logical, each in {**known, **changes}.items() if each is not None}


def stage_of(api_id: str, path: str = "/api/x"):
    found = find_stage(api_id, path)
    assert found is not None
    return found[0]


def test_a_whole_api(cloud, name):
    ids = cloud.deploy(name, resources())
    url = cloud.stack(name)["Outputs"][0]["OutputValue"]
    assert url == f"http://127.0.0.1:4566/_api/{ids['Api']}"
    assert (len(ids["Api"]), ids["Stage"]) == (10, "api")
    stage, path = find_stage(ids["Api"], "/api/x")
    assert (stage.name, path, stage.log_group, stage.log_format) == ("api", "/x", "the-group", "$context.status")
    assert (stage.default_throttle.rate, stage.default_throttle.burst) == (50.0, 100)
    match = select(stage.definition, "GET", "/x")
    integration = stage.definition.integrations[match.route.integration_id]
    assert (integration.function, integration.timeout_seconds) == (
        "arn:aws:lambda:us-east-1:123456789012:function:f",
        29.0,
    )
    authorizer = stage.definition.authorizers[match.route.authorizer_id]
    assert (authorizer.issuer, authorizer.audience) == (
        "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_P",
        {"web"},
    )
    assert (match.route.authorization, match.route.scopes) == ("JWT", ("see",))
    assert (stage.definition.cors.origins, stage.definition.cors.max_age) == (("http://127.0.0.1:4567",), 60)
    assert cloud.gateway.get_api(ApiId=ids["Api"])["Tags"] == {"a": "b"}
    cloud.delete(name)
    assert find_stage(ids["Api"], "/api/x") is None


def test_the_id_is_the_same_after_a_restart(cloud, name, tmp_path):
    first = cloud.deploy(name, resources())["Api"]
    cloud.gateway.delete_api(ApiId=first)
    assert Cloud(tmp_path).deploy(name, resources())["Api"] == first


def test_what_a_template_takes_back(cloud, name):
    ids = cloud.deploy(name, resources())
    plain = resources(
        Api={"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": "trial", "ProtocolType": "HTTP"}},
        Route=part("Route", RouteKey="GET /y", Target={"Fn::Sub": "integrations/${Integration}"}),
        Stage=part("Stage", StageName="api", AutoDeploy=True, Tags={"c": "d"}),
        Authorizer=None,
    )
    after = cloud.deploy(name, plain)
    assert (after["Api"], after["Route"]) == (ids["Api"], ids["Route"])
    stage = stage_of(ids["Api"])
    assert (stage.definition.cors, stage.definition.authorizers) == (None, {})
    assert (stage.log_group, stage.default_throttle.rate) == ("", None)
    assert select(stage.definition, "GET", "/x") is None
    route = select(stage.definition, "GET", "/y").route
    assert (route.authorization, route.scopes) == ("NONE", ())
    assert cloud.gateway.get_api(ApiId=ids["Api"]).get("Tags", {}) == {}


def test_a_stage_that_serves_a_deployment(cloud, name):
    fixed = resources(
        Deployment={**part("Deployment"), "DependsOn": ["Route"]},
        Stage=part("Stage", StageName="api", DeploymentId={"Ref": "Deployment"}),
    )
    ids = cloud.deploy(name, fixed)
    cloud.gateway.update_route(ApiId=ids["Api"], RouteId=ids["Route"], RouteKey="GET /y")
    assert select(stage_of(ids["Api"]).definition, "GET", "/x")
    with pytest.raises(ClientError, match="Active stages"):
        cloud.gateway.delete_deployment(ApiId=ids["Api"], DeploymentId=ids["Deployment"])
    made = cloud.gateway.create_deployment(ApiId=ids["Api"], StageName="api")
    assert select(stage_of(ids["Api"]).definition, "GET", "/y")
    assert len(cloud.gateway.get_deployments(ApiId=ids["Api"])["Items"]) == 2
    described = cloud.gateway.get_deployment(ApiId=ids["Api"], DeploymentId=made["DeploymentId"])
    assert (described["DeploymentStatus"], described["DeploymentId"]) == ("DEPLOYED", made["DeploymentId"])
    assert cloud.gateway.get_stage(ApiId=ids["Api"], StageName="api")["StageName"] == "api"
    cloud.gateway.update_stage(ApiId=ids["Api"], StageName="api", DeploymentId=ids["Deployment"])
    cloud.gateway.delete_deployment(ApiId=ids["Api"], DeploymentId=made["DeploymentId"])
    cloud.delete(name)
    assert find_stage(ids["Api"], "/api/x") is None


def test_nothing_is_deployed_on_a_stage(cloud, name):
    ids = cloud.deploy(name, resources(Stage=part("Stage", StageName="api")))
    assert find_stage(ids["Api"], "/api/x") is None


def test_the_default_stage(cloud, name):
    ids = cloud.deploy(name, resources(Other=part("Stage", StageName="$default", AutoDeploy=True)))
    for path, stage, rest in (
        ("/api/x", "api", "/x"),
        ("/x", "$default", "/x"),
        ("/$default/x", "$default", "/$default/x"),
    ):
        found = find_stage(ids["Api"], path)
        assert (found[0].name, found[1]) == (stage, rest)


def test_an_endpoint_that_is_disabled(cloud, name):
    ids = cloud.deploy(name, resources())
    cloud.gateway.update_api(ApiId=ids["Api"], DisableExecuteApiEndpoint=True)
    assert find_stage(ids["Api"], "/api/x") is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"Route": part("Route", RouteKey="GET /x", AuthorizationType="AWS_IAM")}, "NONE and JWT"),
        ({"Authorizer": part("Authorizer", Name="a", AuthorizerType="REQUEST", IdentitySource=[])}, "JWT alone"),
        ({"Integration": part("Integration", IntegrationType="HTTP_PROXY", PayloadFormatVersion="1.0")}, "AWS_PROXY"),
        ({"Route": part("Route", RouteKey="nonsense")}, "route key"),
        ({"Twin": part("Route", RouteKey="GET /x"), "Route": part("Route", RouteKey="GET /x")}, "already exists"),
        ({"Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": "x", "ProtocolType": "WEBSOCKET"}}}, "HTTP"),
    ],
)
def test_what_is_not_supported_says_so(cloud, name, changes, reason):
    cloud.deploy(name, resources(**changes))
    assert cloud.stack(name)["StackStatus"] in {"ROLLBACK_COMPLETE", "CREATE_FAILED"}
    assert reason in cloud.reasons(name)


def test_names_that_are_not_there(cloud, name):
    ids = cloud.deploy(name, resources())
    for operation, names in (
        ("update_authorizer", {"AuthorizerId": "nobody"}),
        ("update_integration", {"IntegrationId": "nobody"}),
        ("get_stage", {"StageName": "nobody"}),
        ("delete_route", {"RouteId": "nobody"}),
        ("create_deployment", {"StageName": "nobody"}),
    ):
        with pytest.raises(cloud.gateway.exceptions.NotFoundException):
            getattr(cloud.gateway, operation)(ApiId=ids["Api"], **names)
    with pytest.raises(cloud.gateway.exceptions.ConflictException):
        cloud.gateway.create_stage(ApiId=ids["Api"], StageName="api")


def test_authorisers_are_listed_and_changed(cloud, name):
    ids = cloud.deploy(name, resources())
    (listed,) = cloud.gateway.get_authorizers(ApiId=ids["Api"])["Items"]
    token = {**listed["JwtConfiguration"], "Audience": ["web", "machine"]}
    cloud.gateway.update_authorizer(ApiId=ids["Api"], AuthorizerId=ids["Authorizer"], JwtConfiguration=token)
    (authorizer,) = stage_of(ids["Api"]).definition.authorizers.values()
    assert authorizer.audience == {"web", "machine"}


def test_the_policy_of_a_function_that_is_gone():
    assert list(statements("arn:aws:lambda:us-east-1:123456789012:function:nobody")) == []
