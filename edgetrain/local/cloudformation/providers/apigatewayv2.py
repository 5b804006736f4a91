"""HTTP APIs of API Gateway and their parts."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final

from edgetrain.local.cloudformation.providers.base import ReplacedProvider, ServiceProvider, chosen, unless_gone
from edgetrain.local.cloudformation.resources import Declared, Made, Resource
from edgetrain.local.http_api.catalogue import find_api, name_api

GONE: Final = ("NotFoundException",)
ID_CHARACTERS: Final = 10
ROUTE_NUMBERS: Final = {"ThrottlingBurstLimit": int, "ThrottlingRateLimit": float}
BOOLEANS: Final = {"true": True, "false": False}


class ApiProvider(ServiceProvider):
    """`AWS::ApiGatewayV2::Api` with protocol HTTP."""

    kind = "AWS::ApiGatewayV2::Api"
    service = "apigatewayv2"
    immutable = frozenset({"ProtocolType"})
    properties = frozenset(
        {"Name", "ProtocolType", "CorsConfiguration", "Description", "DisableExecuteApiEndpoint", "Tags", "Version"}
    )

    def create(self, declared: Declared) -> Made:
        wanted = declared.properties
        if wanted.get("ProtocolType") != "HTTP":
            raise ValueError(f"ProtocolType is {wanted.get('ProtocolType')!r}: the embedded cloud has HTTP alone")
        made = self.client.create_api(Name=wanted["Name"], ProtocolType="HTTP", **self._settings(wanted))
        # The name's end is a hash of the stack and the logical id: the API is found at the same URL after a restart.
        api_id = declared.name[-ID_CHARACTERS:]
        if find_api(api_id) is None:
            name_api(find_api(made["ApiId"]), api_id)
        else:
            api_id = made["ApiId"]
        endpoint = self.client.get_api(ApiId=api_id)["ApiEndpoint"]
        return Made(api_id, {"ApiId": api_id, "ApiEndpoint": endpoint})

    def update(self, standing: Resource, declared: Declared) -> Made:
        wanted, before, api_id = declared.properties, standing.properties, standing.physical_id
        settings = self._settings(wanted)
        tags, old = settings.pop("Tags", {}), before.get("Tags", {})
        for text in ("Description", "Version"):
            if text in before:
                settings.setdefault(text, "")
        if "DisableExecuteApiEndpoint" in before:
            settings.setdefault("DisableExecuteApiEndpoint", False)
        self.client.update_api(ApiId=api_id, Name=wanted["Name"], **settings)
        if "CorsConfiguration" in before and "CorsConfiguration" not in wanted:
            self.client.delete_cors_configuration(ApiId=api_id)
        arn = find_api(api_id).arn
        if gone := sorted(old.keys() - tags.keys()):
            self.client.untag_resource(ResourceArn=arn, TagKeys=gone)
        if tags != old and tags:
            self.client.tag_resource(ResourceArn=arn, Tags=tags)
        return Made(api_id, standing.attributes)

    def delete(self, standing: Resource) -> None:
        unless_gone(lambda: self.client.delete_api(ApiId=standing.physical_id), GONE)

    def _settings(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        settings = chosen(wanted, "CorsConfiguration", "Description", "DisableExecuteApiEndpoint", "Tags", "Version")
        if "CorsConfiguration" in settings:
            settings["CorsConfiguration"] = _typed(
                settings["CorsConfiguration"], {"MaxAge": int, "AllowCredentials": _boolean}
            )
        return _typed(settings, {"DisableExecuteApiEndpoint": _boolean})


class PartProvider(ServiceProvider):
    """A part of an API that API Gateway gives an id."""

    service = "apigatewayv2"
    #: The part in the operations' names (`create_route`), and the id that they give and take (`RouteId`).
    operations: ClassVar[str]
    identifier: ClassVar[str]
    #: What an update sets where the template says nothing any more.
    cleared: ClassVar[Mapping[str, Any]] = {}
    #: What only a creation takes.
    once: ClassVar[frozenset[str]] = frozenset()

    def create(self, declared: Declared) -> Made:
        wanted = declared.properties
        made = self._call("create", ApiId=wanted["ApiId"], **self.request(wanted))
        part = made[self.identifier]
        return Made(part, {self.identifier: part})

    def update(self, standing: Resource, declared: Declared) -> Made:
        gone = {name: value for name, value in self.cleared.items() if name in standing.properties}
        asked = {name: value for name, value in self.request(declared.properties).items() if name not in self.once}
        names = {"ApiId": declared.properties["ApiId"], **self._named(standing)}
        self._call("update", **{**gone, **asked, **names})
        return Made(standing.physical_id, standing.attributes)

    def delete(self, standing: Resource) -> None:
        api_id = standing.properties["ApiId"]
        unless_gone(lambda: self._call("delete", ApiId=api_id, **self._named(standing)), GONE)

    @abstractmethod
    def request(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """The properties as the operations take them.

        Raises:
            ValueError: they are of a kind that is not supported.
        """

    def _named(self, standing: Resource) -> dict[str, str]:
        return {self.identifier: standing.physical_id}

    def _call(self, verb: str, **request: Any) -> Any:
        return getattr(self.client, f"{verb}_{self.operations}")(**request)


class IntegrationProvider(PartProvider):
    """`AWS::ApiGatewayV2::Integration` with a Lambda function."""

    kind = "AWS::ApiGatewayV2::Integration"
    operations, identifier = "integration", "IntegrationId"
    immutable = frozenset({"ApiId"})
    properties = frozenset(
        {
            *("ApiId", "ConnectionType", "Description", "IntegrationMethod", "IntegrationType", "IntegrationUri"),
            *("PayloadFormatVersion", "TimeoutInMillis"),
        }
    )
    cleared: ClassVar[Mapping[str, Any]] = {"Description": "", "TimeoutInMillis": 30_000}

    def request(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        kind = (wanted.get("IntegrationType"), wanted.get("PayloadFormatVersion"))
        if kind != ("AWS_PROXY", "2.0"):
            raise ValueError(
                f"an integration of type {kind[0]} with payload format {kind[1]}: the embedded cloud has AWS_PROXY with 2.0 alone"
            )
        settings = {name: value for name, value in wanted.items() if name != "ApiId"}
        return _typed(settings, {"TimeoutInMillis": int})


class RouteProvider(PartProvider):
    """`AWS::ApiGatewayV2::Route`."""

    kind = "AWS::ApiGatewayV2::Route"
    operations, identifier = "route", "RouteId"
    immutable = frozenset({"ApiId"})
    properties = frozenset(
        {
            *("ApiId", "ApiKeyRequired", "AuthorizationScopes", "AuthorizationType", "AuthorizerId", "OperationName"),
            *("RouteKey", "Target"),
        }
    )
    cleared: ClassVar[Mapping[str, Any]] = {
        "AuthorizationScopes": [],
        "AuthorizationType": "NONE",
        "AuthorizerId": "",
        "OperationName": "",
    }

    def request(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        kind = wanted.get("AuthorizationType", "NONE")
        if kind not in {"NONE", "JWT"}:
            raise ValueError(f"AuthorizationType is {kind}: the embedded cloud has NONE and JWT alone")
        settings = {name: value for name, value in wanted.items() if name != "ApiId"}
        return _typed(settings, {"ApiKeyRequired": _boolean})


class AuthorizerProvider(PartProvider):
    """`AWS::ApiGatewayV2::Authorizer` of type JWT."""

    kind = "AWS::ApiGatewayV2::Authorizer"
    operations, identifier = "authorizer", "AuthorizerId"
    immutable = frozenset({"ApiId"})
    properties = frozenset({"ApiId", "AuthorizerType", "IdentitySource", "JwtConfiguration", "Name"})

    def request(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        if wanted.get("AuthorizerType") != "JWT":
            raise ValueError(f"AuthorizerType is {wanted.get('AuthorizerType')}: the embedded cloud has JWT alone")
        return {name: value for name, value in wanted.items() if name != "ApiId"}


class StageProvider(PartProvider):
    """`AWS::ApiGatewayV2::Stage`."""

    kind = "AWS::ApiGatewayV2::Stage"
    operations, identifier = "stage", "StageName"
    named_by = "StageName"
    immutable = frozenset({"ApiId", "StageName"})
    properties = frozenset(
        {
            *("ApiId", "AccessLogSettings", "AutoDeploy", "DefaultRouteSettings", "DeploymentId", "Description"),
            *("RouteSettings", "StageName", "StageVariables", "Tags"),
        }
    )
    cleared: ClassVar[Mapping[str, Any]] = {
        "AccessLogSettings": {},
        "AutoDeploy": False,
        "DefaultRouteSettings": {},
        "Description": "",
        "RouteSettings": {},
        "StageVariables": {},
    }
    once = frozenset({"Tags"})

    def update(self, standing: Resource, declared: Declared) -> Made:
        if standing.properties.get("Tags", {}) != declared.properties.get("Tags", {}):
            raise ValueError("the embedded cloud cannot change the tags of a stage: delete it first")
        return super().update(standing, declared)

    def request(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        settings = {name: value for name, value in wanted.items() if name != "ApiId"}
        if "DefaultRouteSettings" in settings:
            settings["DefaultRouteSettings"] = _typed(settings["DefaultRouteSettings"], ROUTE_NUMBERS)
        if "RouteSettings" in settings:
            settings["RouteSettings"] = {
                key: _typed(route, ROUTE_NUMBERS) for key, route in settings["RouteSettings"].items()
            }
        return _typed(settings, {"AutoDeploy": _boolean})


class DeploymentProvider(ReplacedProvider, PartProvider):
    """`AWS::ApiGatewayV2::Deployment`: the API as it is when the deployment is made."""

    kind = "AWS::ApiGatewayV2::Deployment"
    operations, identifier = "deployment", "DeploymentId"
    properties = frozenset({"ApiId", "Description", "StageName"})
    immutable = properties

    def request(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        return chosen(wanted, "Description", "StageName")


def _boolean(value: Any) -> bool:
    return BOOLEANS.get(value.lower(), True) if isinstance(value, str) else bool(value)


def _typed(settings: Mapping[str, Any], types: Mapping[str, Callable[[Any], Any]]) -> dict[str, Any]:
    """Numbers and truths as the API wants them: templates may give texts for them."""
    return {name: types[name](value) if name in types else value for name, value in settings.items()}
