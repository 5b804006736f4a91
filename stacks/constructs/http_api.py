"""The HTTP API: one stage, a function for each route, who may call it and how often."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from edgetrain import limits
from stacks.constructs.least_privilege_function import LOGS_FOR
from stacks.nag import acknowledge

#: The stage, and so the first part of every path: CloudFront hands on `/api/...` as it is.
STAGE: Final = "api"
PUBLIC: Final = (
    "the OpenAPI document says how to sign in: it is read before anybody has a token, and holds nothing of the data"
)

#: One line for each request. No query, no token and nothing of the body: a picture's name is its sender's.
ACCESS_LOG: Final = {
    "time": "$context.requestTime",
    "requestId": "$context.requestId",
    "ip": "$context.identity.sourceIp",
    "routeKey": "$context.routeKey",
    "status": "$context.status",
    "protocol": "$context.protocol",
    "responseLength": "$context.responseLength",
    "latencyMs": "$context.responseLatency",
    "integrationMs": "$context.integrationLatency",
    "error": "$context.error.message",
    "integrationError": "$context.integrationErrorMessage",
    "authorizerError": "$context.authorizer.error",
    "client": "$context.authorizer.claims.client_id",
}

#: What a page of another origin may send and read.
CORS_HEADERS: Final = ("authorization", "content-type", "if-none-match")
CORS_EXPOSED: Final = ("etag", "retry-after", "x-model-version", "x-picture-id")
CORS_FOR: Final = Duration.hours(1)


@dataclass(frozen=True, kw_only=True)
class Route:
    """One route: `scopes` are those of which a token must have one; empty: anybody may call it."""

    method: apigateway.HttpMethod
    path: str
    function: lambda_.Function
    scopes: tuple[str, ...]
    rate: int
    burst: int

    @property
    def key(self) -> str:
        """As API Gateway writes it: `GET /labels/{task}`."""
        return f"{self.method.name} {self.path}"


class HttpApi(Construct):
    """The API with its stage. Routes are added once there is an authoriser, which needs the API's own address."""

    def __init__(self, scope: Construct, construct_id: str, *, cors_origins: Sequence[str]) -> None:
        super().__init__(scope, construct_id)
        methods = [apigateway.CorsHttpMethod.GET, apigateway.CorsHttpMethod.POST]
        cors = apigateway.CorsPreflightOptions(
            allow_origins=list(cors_origins),
            allow_methods=methods,
            allow_headers=list(CORS_HEADERS),
            expose_headers=list(CORS_EXPOSED),
            max_age=CORS_FOR,
        )
        self.api = apigateway.HttpApi(
            self,
            "Api",
            description="Edgetrain: take a picture, see what is in it",
            create_default_stage=False,
            cors_preflight=cors if cors_origins else None,
        )
        log_group = logs.LogGroup(self, "AccessLogs", retention=LOGS_FOR, removal_policy=RemovalPolicy.DESTROY)
        self.stage = apigateway.HttpStage(self, "Stage", http_api=self.api, stage_name=STAGE, auto_deploy=True)
        settings = cast("apigateway.CfnStage", self.stage.node.default_child)
        settings.access_log_settings = apigateway.CfnStage.AccessLogSettingsProperty(
            destination_arn=log_group.log_group_arn, format=json.dumps(ACCESS_LOG)
        )
        settings.default_route_settings = apigateway.CfnStage.RouteSettingsProperty(
            throttling_rate_limit=limits.API_RATE, throttling_burst_limit=limits.API_BURST
        )
        self._settings = settings
        #: The API's own host, without a scheme.
        self.host = f"{self.api.api_id}.execute-api.{Stack.of(self).region}.amazonaws.com"
        self.url = f"https://{self.host}/{STAGE}"

    def add_routes(
        self, routes: Mapping[str, Route], *, issuer: str, audience: Sequence[str]
    ) -> authorizers.HttpJwtAuthorizer:
        """Each route by its name; a token must be of `issuer` and for one of `audience`."""
        authorizer = authorizers.HttpJwtAuthorizer("SignIn", issuer, jwt_audience=list(audience))
        throttles = {}
        for name, route in routes.items():
            added = self._add_route(f"{name}Route", route, authorizer)
            throttles[route.key] = {"ThrottlingRateLimit": route.rate, "ThrottlingBurstLimit": route.burst}
            # A stage's settings may name a route only once it is there.
            self.stage.node.add_dependency(added)
        self._settings.route_settings = throttles
        return authorizer

    def _add_route(
        self, construct_id: str, route: Route, authorizer: authorizers.HttpJwtAuthorizer
    ) -> apigateway.HttpRoute:
        added = apigateway.HttpRoute(
            self,
            construct_id,
            http_api=self.api,
            route_key=apigateway.HttpRouteKey.with_(route.path, route.method),
            integration=integrations.HttpLambdaIntegration(
                "Integration",
                route.function,
                payload_format_version=apigateway.PayloadFormatVersion.VERSION_2_0,
                timeout=Duration.seconds(limits.HTTP_API_TIMEOUT_SECONDS - 1),
                scope_permission_to_route=True,
            ),
            authorizer=authorizer if route.scopes else apigateway.HttpNoneAuthorizer(),
            authorization_scopes=list(route.scopes) or None,
        )
        if not route.scopes:
            acknowledge(added, {"AwsSolutions-APIG4": PUBLIC})
        return added
