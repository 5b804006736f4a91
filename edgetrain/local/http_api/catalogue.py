"""The APIs of this cloud: moto keeps them; what it has no place for is kept on its own objects.

Those are: deployments (`edgetrain_deployments` of an API: id -> `Deployment`), and of a stage the deployment that it serves
(`edgetrain_deployment_id`).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import unquote

from edgetrain import limits
from edgetrain.local.function_services import split_function
from edgetrain.local.http_api.definition import (
    DEFAULT,
    Authorizer,
    Cors,
    Definition,
    Integration,
    Route,
    Stage,
    Throttle,
    route_key,
)
from edgetrain.local.http_api.events import utc_now
from edgetrain.local.place import ACCOUNT, REGION

#: `arn:aws:apigateway:REGION:lambda:path/2015-03-31/functions/ARN/invocations`, which stands for the ARN in it.
INVOCATIONS: Final = re.compile(r"arn:[^:]+:apigateway:[^:]+:lambda:path/[^/]+/functions/(?P<function>.+)/invocations")
LOG_GROUP: Final = re.compile(r"arn:[^:]+:logs:[^:]*:[^:]*:log-group:(?P<group>[^:]+)(?::\*)?")


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """An API as it was at one time."""

    deployment_id: str
    definition: Definition
    description: str = ""
    created: datetime = field(default_factory=utc_now)


def backend() -> Any:
    """Moto's back end."""
    from moto.apigatewayv2.models import apigatewayv2_backends

    return apigatewayv2_backends[ACCOUNT][REGION]


def find_api(api_id: str) -> Any:
    """Moto's record of an HTTP API, or None."""
    api = backend().apis.get(api_id)
    return None if api is None or api.protocol_type != "HTTP" else api


def name_api(api: Any, api_id: str) -> None:
    """Give an API another id, which it keeps: moto's own are random, and a deployed API's URL is to be the same after a restart."""
    apis = backend()
    tags = apis.get_tags(api.arn)
    del apis.apis[api.api_id]
    for text in ("arn", "api_endpoint"):
        setattr(api, text, getattr(api, text).replace(api.api_id, api_id))
    api.api_id = api_id
    apis.apis[api_id] = api
    apis.tag_resource(api.arn, tags)


def deployments(api: Any) -> dict[str, Deployment]:
    """An API's deployments by id, to be read and changed."""
    kept: dict[str, Deployment] = api.__dict__.setdefault("edgetrain_deployments", {})
    return kept


def find_stage(api_id: str, path: str) -> tuple[Stage, str] | None:
    """The stage that a path leads to, and the rest of the path: by its first part, else `$default` with the whole of it.

    The path is percent-encoded. None where there is no such API or stage, or nothing is deployed on it.
    """
    api = find_api(api_id)
    if api is None or api.disable_execute_api_endpoint:
        return None
    name, _, rest = path[1:].partition("/")
    stage = api.stages.get(unquote(name)) if unquote(name) != DEFAULT else None
    if stage is not None:
        path = f"/{rest}"
    else:
        stage = api.stages.get(DEFAULT)
    described = None if stage is None else describe_stage(api, stage)
    return None if described is None else (described, path)


def describe_stage(api: Any, stage: Any) -> Stage | None:
    """A stage of moto's as plain values; None when nothing is deployed on it."""
    if stage.auto_deploy:
        definition = define(api)
    else:
        deployed = deployments(api).get(getattr(stage, "edgetrain_deployment_id", None) or "")
        if deployed is None:
            return None
        definition = deployed.definition
    log = stage.access_log_settings or {}
    group = LOG_GROUP.fullmatch(log.get("destinationArn", ""))
    return Stage(
        name=stage.name,
        definition=definition,
        variables=stage.stage_variables or {},
        default_throttle=_throttle(stage.default_route_settings or {}),
        throttles={key: _throttle(settings) for key, settings in (stage.route_settings or {}).items()},
        log_group=group["group"] if group else "",
        log_format=log.get("format", ""),
    )


def define(api: Any) -> Definition:
    """An API of moto's as it is now."""
    integrations = {
        integration.id: Integration(
            function=_function(integration.integration_uri or ""),
            timeout_seconds=min(
                (integration.timeout_in_millis or limits.HTTP_API_TIMEOUT_SECONDS * 1000) / 1000,
                limits.HTTP_API_TIMEOUT_SECONDS,
            ),
        )
        for integration in list(api.integrations.values())
    }
    return Definition(
        routes=tuple(map(_route, list(api.routes.values()))),
        integrations=integrations,
        authorizers={each.id: _authorizer(each) for each in list(api.authorizers.values())},
        cors=_cors(api.cors_configuration),
    )


def statements(function: str) -> Iterable[Mapping[str, Any]]:
    """The policy of a function (name or ARN): the statements of AddPermission."""
    from moto.awslambda.models import lambda_backends

    name, qualifier = split_function(function)
    stored = lambda_backends[ACCOUNT][REGION]._lambdas._functions.get(name)
    if stored is None:
        return ()
    policy: list[Mapping[str, Any]] = list(stored["latest"].policy.statements)
    suffix = f":function:{name}:{qualifier}" if qualifier else f":function:{name}"
    return [each for each in policy if str(each.get("Resource", suffix)).endswith(suffix)]


def _route(route: Any) -> Route:
    return Route(
        key=route_key(route.route_key),
        integration_id=(route.target or "").removeprefix("integrations/"),
        authorization=route.authorization_type or "NONE",
        authorizer_id=route.authorizer_id,
        scopes=tuple(route.authorization_scopes or ()),
    )


def _authorizer(authorizer: Any) -> Authorizer:
    token = authorizer.jwt_config or {}
    source = authorizer.identity_source or []
    return Authorizer(
        issuer=token.get("issuer", ""),
        audience=frozenset(token.get("audience") or ()),
        identity_source=source if isinstance(source, str) else next(iter(source), ""),
    )


def _cors(settings: Mapping[str, Any] | None) -> Cors | None:
    if not settings:
        return None
    age = settings.get("maxAge")
    return Cors(
        origins=tuple(settings.get("allowOrigins") or ()),
        methods=tuple(settings.get("allowMethods") or ()),
        headers=tuple(settings.get("allowHeaders") or ()),
        exposed=tuple(settings.get("exposeHeaders") or ()),
        max_age=None if age is None else int(age),
        credentials=bool(settings.get("allowCredentials")),
    )


def _throttle(settings: Mapping[str, Any]) -> Throttle:
    rate, burst = settings.get("throttlingRateLimit"), settings.get("throttlingBurstLimit")
    return Throttle(None if rate is None else float(rate), None if burst is None else int(burst))


def _function(uri: str) -> str:
    found = INVOCATIONS.fullmatch(uri)
    return found["function"] if found else uri
