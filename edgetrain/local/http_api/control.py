"""The control plane of API Gateway: moto's, and what it leaves out of HTTP APIs (deployments, changes of stages, ...)."""

import json
import re
import secrets
import string
from collections.abc import Callable
from typing import Any, Final

from edgetrain.local.http_api.catalogue import Deployment, define, deployments, find_api
from edgetrain.local.http_api.definition import route_key
from edgetrain.local.wsgi import Application, Reply, Request, call

JSON: Final = "application/json"
PATH: Final = re.compile(r"/v2/apis/(?P<api>[^/]+)(?:/(?P<kind>[a-z]+)(?:/(?P<id>[^/]+))?)?/?")
#: Settings of a stage as requests name them -> as moto's object does.
STAGE_SETTINGS: Final = {
    "accessLogSettings": "access_log_settings",
    "autoDeploy": "auto_deploy",
    "clientCertificateId": "client_certificate_id",
    "defaultRouteSettings": "default_route_settings",
    "description": "description",
    "routeSettings": "route_settings",
    "stageVariables": "stage_variables",
}
#: Settings of a route that moto does not change to nothing.
ROUTE_SETTINGS: Final = {"authorizationScopes": "authorization_scopes", "requestParameters": "request_parameters"}
#: Kinds of parts -> the attribute of moto's API that has them, and their name in an error.
PARTS: Final = {
    "authorizers": ("authorizers", "authorizer"),
    "deployments": ("edgetrain_deployments", "deployment"),
    "integrations": ("integrations", "integration"),
    "routes": ("routes", "route"),
    "stages": ("stages", "stage"),
}
ID_CHARACTERS: Final = string.ascii_lowercase + string.digits


class HttpApiControl:
    """Answers signed requests to API Gateway."""

    def __init__(self, moto: Application) -> None:
        self._moto = moto
        self._ours: dict[tuple[str, str], Callable[[Any, str, dict[str, Any]], Reply]] = {
            ("GET", "authorizers"): _list_authorizers,
            ("GET", "deployments"): _read_deployments,
            ("POST", "deployments"): _create_deployment,
            ("DELETE", "deployments"): _delete_deployment,
            ("PATCH", "stages"): _update_stage,
        }

    def answer(self, request: Request) -> Reply:
        body = request.body()
        found = PATH.fullmatch(request.path)
        api = None if found is None else find_api(found["api"])
        kind, part = (found["kind"] or "", found["id"] or "") if found else ("", "")
        if api is None and kind == "deployments":
            return _error(404, "NotFoundException", "Invalid API identifier specified")
        if api is None:
            return call(self._moto, request.environ)
        if part and kind in PARTS and part not in getattr(api, PARTS[kind][0], {}):
            return _error(404, "NotFoundException", f"Invalid {PARTS[kind][1]} identifier specified {part}")
        asked = json.loads(body) if body else {}
        ours = self._ours.get((request.method, kind))
        if ours is not None and not (kind == "authorizers" and part):
            return ours(api, part, asked)
        if refused := _refusal(api, kind, request.method, part, asked):
            return refused
        reply = call(self._moto, request.environ)
        if reply.succeeded and kind == "routes" and request.method == "PATCH":
            return _complete_route(api.routes[part], asked)
        if reply.succeeded and kind == "stages" and request.method == "POST":
            return _complete_stage(api, asked)
        return reply


def _refusal(api: Any, kind: str, method: str, part: str, asked: dict[str, Any]) -> Reply | None:
    """The error of a request that API Gateway refuses and moto takes."""
    if kind == "stages" and method == "POST" and asked.get("stageName") in api.stages:
        return _error(409, "ConflictException", "Stage already exists")
    if kind != "routes" or "routeKey" not in asked:
        return None
    key = asked["routeKey"]
    try:
        route_key(key)
    except ValueError as error:
        return _error(400, "BadRequestException", str(error))
    if any(route.route_key == key and route.route_id != part for route in api.routes.values()):
        return _error(409, "ConflictException", f"Route with key {key} already exists for this API")
    return None


def _list_authorizers(api: Any, _: str, __: dict[str, Any]) -> Reply:
    return _json({"items": [authorizer.to_json() for authorizer in api.authorizers.values()]})


def _read_deployments(api: Any, deployment_id: str, _: dict[str, Any]) -> Reply:
    known = deployments(api)
    if deployment_id:
        return _json(_described(known[deployment_id]))
    return _json({"items": [_described(each) for each in known.values()]})


def _create_deployment(api: Any, _: str, asked: dict[str, Any]) -> Reply:
    name = asked.get("stageName")
    if name is not None and name not in api.stages:
        return _error(404, "NotFoundException", f"Invalid stage identifier specified {name}")
    made = Deployment(
        deployment_id="".join(secrets.choice(ID_CHARACTERS) for _ in range(6)),
        definition=define(api),
        description=asked.get("description", ""),
    )
    deployments(api)[made.deployment_id] = made
    if name is not None:
        api.stages[name].edgetrain_deployment_id = made.deployment_id
    return _json(_described(made), 201)


def _delete_deployment(api: Any, deployment_id: str, _: dict[str, Any]) -> Reply:
    serving = [s.name for s in api.stages.values() if getattr(s, "edgetrain_deployment_id", None) == deployment_id]
    if serving:
        return _error(400, "BadRequestException", "Active stages pointing to this deployment must be moved or deleted")
    del deployments(api)[deployment_id]
    return Reply(204)


def _update_stage(api: Any, name: str, asked: dict[str, Any]) -> Reply:
    stage = api.stages[name]
    if refused := _unknown_deployment(api, asked):
        return refused
    for setting, attribute in STAGE_SETTINGS.items():
        if setting in asked:
            setattr(stage, attribute, asked[setting])
    if "deploymentId" in asked:
        stage.edgetrain_deployment_id = asked["deploymentId"]
    stage.updated = type(stage.updated).now()
    return _json(_described_stage(stage))


def _complete_stage(api: Any, asked: dict[str, Any]) -> Reply:
    stage = api.stages[asked["stageName"]]
    if refused := _unknown_deployment(api, asked):
        del api.stages[stage.name]
        return refused
    stage.edgetrain_deployment_id = asked.get("deploymentId")
    return _json(_described_stage(stage), 201)


def _unknown_deployment(api: Any, asked: dict[str, Any]) -> Reply | None:
    wanted = asked.get("deploymentId")
    if wanted is None or wanted in deployments(api):
        return None
    return _error(404, "NotFoundException", f"Invalid deployment identifier specified {wanted}")


def _complete_route(route: Any, asked: dict[str, Any]) -> Reply:
    for setting, attribute in ROUTE_SETTINGS.items():
        if setting in asked:
            setattr(route, attribute, asked[setting])
    return _json(route.to_json())


def _described(deployment: Deployment) -> dict[str, Any]:
    return {
        "deploymentId": deployment.deployment_id,
        "deploymentStatus": "DEPLOYED",
        "description": deployment.description,
        "createdDate": f"{deployment.created:%Y-%m-%dT%H:%M:%SZ}",
        "autoDeployed": False,
    }


def _described_stage(stage: Any) -> dict[str, Any]:
    described: dict[str, Any] = stage.to_json()
    if deployment := getattr(stage, "edgetrain_deployment_id", None):
        described["deploymentId"] = deployment
    return described


def _json(answer: dict[str, Any], status: int = 200) -> Reply:
    return Reply.of(status, json.dumps(answer).encode(), JSON)


def _error(status: int, code: str, message: str) -> Reply:
    return Reply.of(status, json.dumps({"message": message}).encode(), JSON, {"x-amzn-ErrorType": code})
