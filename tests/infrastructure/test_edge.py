"""The API as it is deployed: its routes, who may call them and how often, what their functions may do, what watches them."""

import json
from typing import Any

import pytest

from edgetrain import keys
from edgetrain.api.openapi import document, text_of
from edgetrain.errors import UsageError
from stacks.packaging.layers import PROJECT
from stacks.targets import aws_target
from tests.infrastructure.conftest import synthesise
from tests.infrastructure.reading import EDGE, INFERENCE, Assembly, grants, short, text

#: Route -> its key, and requests a second and at once.
ROUTES = {
    "DetectObjects": ("POST /detections", 50, 100),
    "GetLabels": ("GET /labels/{task}", 100, 200),
    "GetLatestModel": ("GET /models/{task}/latest", 100, 200),
    "ListModelVersions": ("GET /models/{task}/versions", 100, 200),
    "DownloadModel": ("GET /models/{task}/{version}/download", 100, 200),
    "GetOpenapi": ("GET /openapi.json", 10, 20),
}
PUBLIC = {"GetOpenapi"}
MANIFEST = "models/*/manifest.json"
LABELS = ("models/*/detector.json", "models/*/task.json", "models/*/served.json")
#: Route -> what its role is for, beside log and traces. Listing a prefix tells the newest version, and a missing key from a forbidden one.
GRANTS = {
    "DetectObjects": {
        "s3:PutObject ${DataBucket.Arn}/incoming/*",
        "sagemaker:InvokeEndpoint ${ObjectsServerlessEndpoint}",
    },
    "GetLabels": {
        *(f"s3:GetObject ${{ModelsBucket.Arn}}/{each}" for each in (MANIFEST, *LABELS)),
        *(f"s3:ListBucket ${{ModelsBucket.Arn}} {each}" for each in (MANIFEST, *LABELS, "models/*")),
    },
    "GetLatestModel": {
        f"s3:GetObject ${{ModelsBucket.Arn}}/{MANIFEST}",
        *(f"s3:ListBucket ${{ModelsBucket.Arn}} {each}" for each in (MANIFEST, "models/*")),
    },
    "ListModelVersions": {
        f"s3:GetObject ${{ModelsBucket.Arn}}/{MANIFEST}",
        *(f"s3:ListBucket ${{ModelsBucket.Arn}} {each}" for each in (MANIFEST, "models/*")),
    },
    "DownloadModel": {"s3:GetObject ${ModelsBucket.Arn}/models/*", "s3:ListBucket ${ModelsBucket.Arn} models/*"},
    "GetOpenapi": set(),
}
TOPIC = "arn:aws:sns:eu-central-1:123456789012:alarms"


@pytest.fixture(scope="session")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """An application with every setting of the API."""
    return synthesise(
        aws_target("x86_64"),
        tmp_path_factory.mktemp("settled"),
        keep_images="never",
        cors_origins="https://app.example, http://localhost:5173",
        alarm_topic_arn=TOPIC,
    )


def properties(assembly: Assembly, kind: str) -> dict[str, Any]:
    """Short logical id -> properties of one kind of resource."""
    return {name: each["Properties"] for name, each in assembly.resources(EDGE, f"AWS::{kind}").items()}


def expected(route: str, of_its_own: set[str]) -> set[str]:
    logs = f"${{{route}FunctionLogs.Arn}}"
    always = {f"logs:CreateLogStream {logs}", f"logs:PutLogEvents {logs}"}
    return of_its_own | always | {"xray:PutTraceSegments *", "xray:PutTelemetryRecords *"}


@pytest.mark.parametrize("route", ROUTES)
def test_a_function_may_do_what_its_route_does_and_nothing_else(aws: Assembly, route: str) -> None:
    role = aws.resources(EDGE, "AWS::IAM::Role")[f"{route}FunctionRole"]
    assert grants(role) == expected(route, GRANTS[route])
    assert "ManagedPolicyArns" not in role["Properties"]
    (trust,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}


def test_every_function_has_a_role_of_its_own(aws: Assembly) -> None:
    roles = {name: text(each["Role"]) for name, each in properties(aws, "Lambda::Function").items()}
    assert roles == {f"{route}Function": f"${{{route}FunctionRole.Arn}}" for route in ROUTES}
    assert set(properties(aws, "IAM::Role")) == {f"{route}FunctionRole" for route in ROUTES}


def test_each_route_calls_its_function_for_those_who_have_a_scope(aws: Assembly) -> None:
    routes, integrations = (properties(aws, f"ApiGatewayV2::{kind}") for kind in ("Route", "Integration"))
    assert {name: each["RouteKey"] for name, each in routes.items()} == {
        f"Http{route}Route": key for route, (key, _, _) in ROUTES.items()
    }
    for route in ROUTES:
        declared = routes[f"Http{route}Route"]
        assert text(declared["Target"]) == f"integrations/${{Http{route}RouteIntegration}}"
        integration = integrations[f"Http{route}RouteIntegration"]
        assert text(integration["IntegrationUri"]) == f"${{{route}Function.Arn}}"
        assert (integration["IntegrationType"], integration["PayloadFormatVersion"]) == ("AWS_PROXY", "2.0")
        assert integration["TimeoutInMillis"] == 29_000
        if route in PUBLIC:
            assert declared["AuthorizationType"] == "NONE"
            assert "AuthorizationScopes" not in declared
        else:
            assert declared["AuthorizationType"] == "JWT"
            assert text(declared["AuthorizerId"]) == "${HttpApiSignIn}"
            assert declared["AuthorizationScopes"] == ["edgetrain/detect", "edgetrain/admin"]


def test_a_function_may_be_invoked_by_its_route_alone(aws: Assembly) -> None:
    permissions = properties(aws, "Lambda::Permission")
    api = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${HttpApi}"
    assert {(text(each["FunctionName"]), text(each["SourceArn"])) for each in permissions.values()} == {
        (f"${{{route}Function.Arn}}", f"{api}/*/*{key.partition(' ')[2]}") for route, (key, _, _) in ROUTES.items()
    }
    for each in permissions.values():
        assert each["Principal"] == "apigateway.amazonaws.com"
        assert each["Action"] == "lambda:InvokeFunction"


def test_tokens_are_of_our_pool_and_for_our_page(aws: Assembly) -> None:
    (authorizer,) = properties(aws, "ApiGatewayV2::Authorizer").values()
    assert authorizer["AuthorizerType"] == "JWT"
    assert authorizer["IdentitySource"] == ["$request.header.Authorization"]
    settings = authorizer["JwtConfiguration"]
    assert text(settings["Issuer"]) == "https://cognito-idp.${AWS::Region}.amazonaws.com/${People}"
    assert [text(each) for each in settings["Audience"]] == ["${WebClient}"]


def test_the_stage_holds_back_and_writes_down(aws: Assembly) -> None:
    ((name, stage),) = aws.resources(EDGE, "AWS::ApiGatewayV2::Stage").items()
    settings = stage["Properties"]
    assert (name, settings["StageName"], settings["AutoDeploy"]) == ("HttpStage", "api", True)
    assert settings["DefaultRouteSettings"] == {"ThrottlingRateLimit": 100, "ThrottlingBurstLimit": 200}
    assert settings["RouteSettings"] == {
        key: {"ThrottlingRateLimit": rate, "ThrottlingBurstLimit": burst} for key, rate, burst in ROUTES.values()
    }
    # API Gateway refuses the settings of a route that is not there yet.
    assert {f"Http{route}Route" for route in ROUTES} <= set(map(short, stage["DependsOn"]))
    assert text(settings["AccessLogSettings"]["DestinationArn"]) == "${HttpAccessLogs.Arn}"
    logged = json.loads(settings["AccessLogSettings"]["Format"])
    assert {"requestId", "routeKey", "status", "latencyMs"} <= set(logged)
    assert not [each for each in logged.values() if "querystring" in each.lower() or "header" in each.lower()]


def test_the_document_describes_what_is_deployed(aws: Assembly) -> None:
    described = {
        f"{method.upper()} {path}": operation
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
    }
    deployed = {each["RouteKey"]: each for each in properties(aws, "ApiGatewayV2::Route").values()}
    assert set(described) == set(deployed)
    default = document()["security"]
    for key, route in deployed.items():
        scopes = [scope for each in described[key].get("security", default) for scope in each["signIn"]]
        assert scopes == route.get("AuthorizationScopes", [])


def test_no_other_origin_may_read_unless_it_is_named(aws: Assembly, settled: Assembly) -> None:
    (api,), (open_api,) = (properties(each, "ApiGatewayV2::Api").values() for each in (aws, settled))
    assert "CorsConfiguration" not in api
    cors = open_api["CorsConfiguration"]
    assert cors["AllowOrigins"] == ["https://app.example", "http://localhost:5173"]
    assert cors["AllowMethods"] == ["GET", "POST"]
    assert "authorization" in cors["AllowHeaders"]
    assert {"x-picture-id", "x-model-version", "retry-after", "etag"} == set(cors["ExposeHeaders"])
    assert "AllowCredentials" not in cors


def test_where_no_pictures_are_kept_none_can_be(settled: Assembly) -> None:
    role = settled.resources(EDGE, "AWS::IAM::Role")["DetectObjectsFunctionRole"]
    assert grants(role) == expected("DetectObjects", {"sagemaker:InvokeEndpoint ${ObjectsServerlessEndpoint}"})
    told = properties(settled, "Lambda::Function")["DetectObjectsFunction"]["Environment"]["Variables"]
    assert set(told) == {"ENDPOINTS", "LOG_LEVEL", "POWERTOOLS_SERVICE_NAME"}


def test_what_is_watched(aws: Assembly, settled: Assembly) -> None:
    alarms = properties(aws, "CloudWatch::Alarm")
    watched = {
        name: (each["MetricName"], each.get("Statistic") or each["ExtendedStatistic"], each["Threshold"])
        for name, each in alarms.items()
    }
    assert watched == {
        "AlarmsServerErrors": ("5xx", "Sum", 5),
        "AlarmsLatency": ("Latency", "p99", 10_000),
        "AlarmsDetectErrors": ("Errors", "Sum", 1),
        "AlarmsDetectThrottles": ("Throttles", "Sum", 1),
    }
    for name, each in alarms.items():
        assert each["TreatMissingData"] == "notBreaching"
        assert "AlarmActions" not in each
        of = {dimension["Name"]: text(dimension["Value"]) for dimension in each["Dimensions"]}
        expected_of = (
            {"FunctionName": "${DetectObjectsFunction}"}
            if "Detect" in name
            else {"ApiId": "${HttpApi}", "Stage": "api"}
        )
        assert of == expected_of
    for each in properties(settled, "CloudWatch::Alarm").values():
        assert each["AlarmActions"] == [TOPIC]


def test_another_kind_of_endpoint_may_take_the_place_of_this_one(aws: Assembly) -> None:
    """An export that the API reads could not be changed while it does."""
    outputs = aws.template(INFERENCE)["Outputs"].values()
    assert outputs
    assert not [each for each in outputs if "Export" in each]


def test_the_outputs_name_what_a_client_needs(aws: Assembly) -> None:
    outputs = {name: text(each["Value"]) for name, each in aws.template(EDGE)["Outputs"].items()}
    assert outputs == {
        "ApiId": "${HttpApi}",
        "ApiUrl": "https://${HttpApi}.execute-api.${AWS::Region}.amazonaws.com/api",
        "AuthorizerId": "${HttpApiSignIn}",
        "WebClientId": "${WebClient}",
        "WebUrl": "https://${SiteDistribution.DomainName}",
        "WebBucket": "${SiteBucket}",
        "DistributionId": "${SiteDistribution}",
    }


@pytest.mark.parametrize(
    ("context", "sentence"),
    [
        ({"keep_images": "week"}, "keep_images is 'week': expected one of day, never"),
        ({"cors_origins": "*"}, r"cors_origins names \*: expected origins like"),
        ({"cors_origins": "https://a.example,https://b.example/"}, "cors_origins names https://b.example/: expected"),
        ({"cors_origins": "http://app.example"}, "cors_origins names http://app.example: expected"),
        ({"alarm_topic_arn": "alarms"}, "alarm_topic_arn is 'alarms': expected arn:aws:sns"),
    ],
)
def test_a_setting_that_cannot_be_is_one_sentence(context: dict[str, str], sentence: str) -> None:
    from aws_cdk import App

    from stacks.edge import EdgeSettings

    with pytest.raises(UsageError, match=sentence):
        EdgeSettings.of(App(context=context).node)


def test_the_document_in_the_documentation_is_the_one_that_is_served() -> None:
    assert (PROJECT / "docs" / "openapi.json").read_text() == text_of(document()), (
        "write it again: python -m edgetrain.api.openapi docs/openapi.json"
    )


def test_a_picture_is_kept_for_a_day(aws: Assembly) -> None:
    bucket = aws.resources("EdgetrainStorage", "AWS::S3::Bucket")["DataBucket"]["Properties"]
    rules = {rule["Id"]: rule for rule in bucket["LifecycleConfiguration"]["Rules"]}
    assert set(rules) == {"AbandonedUploads", "IncomingPictures"}
    assert rules["IncomingPictures"] == {
        "Id": "IncomingPictures",
        "Prefix": "incoming/",
        "ExpirationInDays": 1,
        "Status": "Enabled",
    }
    assert keys.incoming_picture("x", "jpg").startswith(rules["IncomingPictures"]["Prefix"])
