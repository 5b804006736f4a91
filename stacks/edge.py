"""The edge: the web app's site, the API behind it, and who may use them. It owns no data that cannot be made again."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, Self, get_args

from aws_cdk import CfnOutput, Duration, ReferenceStrength, Stack
from aws_cdk import aws_apigatewayv2 as apigateway
from constructs import Construct, Node

from edgetrain import keys, limits
from edgetrain.errors import UsageError
from stacks.constructs.access import Access, Objects
from stacks.constructs.alarms import ApiAlarms
from stacks.constructs.http_api import HttpApi, Route
from stacks.constructs.layers import Layers
from stacks.constructs.least_privilege_function import LAMBDAS, LeastPrivilegeFunction
from stacks.constructs.web_client import WebClient
from stacks.constructs.web_site import WebSite
from stacks.identity import RESOURCE_SERVER, Identity
from stacks.inference import Inference
from stacks.packaging.layers import LayerArchives
from stacks.storage import Storage
from stacks.targets import Target

KeepImages = Literal["day", "never"]
KEEP_IMAGES: Final[tuple[KeepImages, ...]] = get_args(KeepImages)

#: One whole vCPU: a picture is decoded, scaled and encoded again while somebody waits.
DETECT_MB: Final = limits.LAMBDA_VCPU_MB
SMALL_MB: Final = 512

INCOMING: Final = f"{keys.INCOMING_PREFIX}*"
# ModelsBucket (edgetrain/keys.py makes the keys).
VERSIONS: Final = "models/*"
MANIFESTS: Final = f"models/*/{keys.MANIFEST_FILE}"
DETECTORS: Final = f"models/*/{keys.DETECTOR_FILE}"
TASKS: Final = f"models/*/{keys.SPEC_FILE}"
SERVED: Final = "models/*/served.json"

#: An origin as browsers write it: no path, no slash at the end. Without TLS only on one's own machine.
ORIGIN: Final = re.compile(r"https://[a-z0-9.-]+(?::\d{1,5})?|http://(?:localhost|127\.0\.0\.1)(?::\d{1,5})?")
TOPIC_ARN: Final = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}")


@dataclass(frozen=True, kw_only=True)
class EdgeSettings:
    """What the context says of the API.

    `-c cors_origins=https://a.example,https://b.example` (none when it is silent: the web app needs none),
    `-c keep_images=day|never`, `-c alarm_topic_arn=ARN` (whom the alarms tell).
    """

    cors_origins: tuple[str, ...] = ()
    keep_images: KeepImages = "day"
    alarm_topic_arn: str | None = None

    @classmethod
    def of(cls, node: Node) -> Self:
        """Read the context.

        Raises:
            UsageError: a value cannot be; the sentence names it and what is expected.
        """
        named = node.try_get_context("keep_images") or "day"
        keep = next((each for each in KEEP_IMAGES if each == named), None)
        if keep is None:
            raise UsageError(f"keep_images is {named!r}: expected one of {', '.join(KEEP_IMAGES)}")
        topic = node.try_get_context("alarm_topic_arn") or None
        if topic is not None and not TOPIC_ARN.fullmatch(str(topic)):
            raise UsageError(f"alarm_topic_arn is {topic!r}: expected arn:aws:sns:REGION:ACCOUNT:NAME")
        return cls(
            cors_origins=_origins(str(node.try_get_context("cors_origins") or "")),
            keep_images=keep,
            alarm_topic_arn=topic,
        )


@dataclass(frozen=True, kw_only=True)
class RouteSpec:
    """One route: what it is called by, who may call it, what its function may do. `scopes` empty: anybody."""

    method: apigateway.HttpMethod
    path: str
    access: Access = field(default_factory=Access)
    scopes: tuple[str, ...] = ("detect", "admin")
    rate: int = limits.API_RATE
    burst: int = limits.API_BURST
    memory_mb: int = SMALL_MB
    reads_pictures: bool = False


GET: Final = apigateway.HttpMethod.GET
POST: Final = apigateway.HttpMethod.POST
#: Each route's function reads of the published versions what it tells; listing them tells which is the newest.
ROUTES: Final[dict[str, RouteSpec]] = {
    "DetectObjects": RouteSpec(
        method=POST,
        path="/detections",
        rate=limits.DETECTION_RATE,
        burst=limits.DETECTION_BURST,
        memory_mb=DETECT_MB,
        reads_pictures=True,
    ),
    "GetLabels": RouteSpec(
        method=GET,
        path="/labels/{task}",
        access=Access(models=Objects(reads=(MANIFESTS, DETECTORS, TASKS, SERVED), lists=(VERSIONS,))),
    ),
    "GetLatestModel": RouteSpec(
        method=GET,
        path="/models/{task}/latest",
        access=Access(models=Objects(reads=(MANIFESTS,), lists=(VERSIONS,))),
    ),
    "ListModelVersions": RouteSpec(
        method=GET,
        path="/models/{task}/versions",
        access=Access(models=Objects(reads=(MANIFESTS,), lists=(VERSIONS,))),
    ),
    # What it signs, its role must be allowed to read.
    "DownloadModel": RouteSpec(
        method=GET, path="/models/{task}/{version}/download", access=Access(models=Objects(reads=(VERSIONS,)))
    ),
    "GetOpenapi": RouteSpec(
        method=GET, path="/openapi.json", scopes=(), rate=limits.OPENAPI_RATE, burst=limits.OPENAPI_BURST
    ),
}


class EdgeStack(Stack):
    """Functions of the routes, HTTP API, web client and web site.

    One stack, because the distribution needs the API's address, the web client the distribution's and the authoriser the web
    client's id. Outputs: `ApiId`, `ApiUrl`, `AuthorizerId`, `WebClientId`, `WebUrl`, `WebBucket`, `DistributionId`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        storage: Storage,
        identity: Identity,
        inference: Inference,
        target: Target,
        archives: LayerArchives,
        lambdas: Path = LAMBDAS,
    ) -> None:
        """Make the stack, or raise `UsageError` for a setting that cannot be."""
        super().__init__(scope, construct_id, description="Edgetrain: the API and the web app")
        settings = EdgeSettings.of(self.node)
        sign_in_url = identity.domain.base_url()
        layers = Layers(self, "Layers", target=target, archives=archives, extra="pictures")
        functions = {
            route: LeastPrivilegeFunction(
                self,
                f"{route}Function",
                kind="route",
                name=route,
                target=target,
                layers=layers.with_extra if spec.reads_pictures else layers.plain,
                access=_detecting(settings, inference) if spec.reads_pictures else spec.access,
                storage=storage,
                environment=self._environment(spec, settings, storage, inference, sign_in_url),
                memory_mb=spec.memory_mb,
                timeout=Duration.seconds(limits.API_FUNCTION_SECONDS),
                lambdas=lambdas,
            )
            for route, spec in ROUTES.items()
        }
        api = HttpApi(self, "Http", cors_origins=settings.cors_origins)
        site = WebSite(self, "Site", api_host=api.host, sign_in_url=sign_in_url, models=storage.models)
        page = f"{site.url}/"
        client = WebClient(self, "WebClient", identity=identity, callback_urls=[page], logout_urls=[page])
        authorizer = api.add_routes(
            {
                route: Route(
                    method=spec.method,
                    path=spec.path,
                    function=functions[route].function,
                    scopes=tuple(f"{RESOURCE_SERVER}/{scope}" for scope in spec.scopes),
                    rate=spec.rate,
                    burst=spec.burst,
                )
                for route, spec in ROUTES.items()
            },
            issuer=f"https://cognito-idp.{self.region}.amazonaws.com/{identity.pool.user_pool_id}",
            audience=[client.client_id],
        )
        ApiAlarms(
            self,
            "Alarms",
            stage=api.stage,
            detect=functions["DetectObjects"].function,
            topic_arn=settings.alarm_topic_arn,
        )
        self._outputs(
            {
                "ApiId": api.api.api_id,
                "ApiUrl": api.url,
                "AuthorizerId": authorizer.authorizer_id,
                "WebClientId": client.client_id,
                "WebUrl": site.url,
                "WebBucket": site.bucket.bucket_name,
                "DistributionId": site.distribution.distribution_id,
            }
        )

    def _environment(
        self, spec: RouteSpec, settings: EdgeSettings, storage: Storage, inference: Inference, sign_in_url: str
    ) -> dict[str, str]:
        """What `edgetrain.api.entry` wants for a route. `PICTURES_BUCKET` is there when pictures are kept, and only then."""
        if spec.reads_pictures:
            names: Mapping[str, Any] = {task: weak(endpoint.name) for task, endpoint in inference.endpoints.items()}
            kept = {"PICTURES_BUCKET": storage.data.bucket_name} if settings.keep_images == "day" else {}
            return {"ENDPOINTS": self.to_json_string(names), **kept}
        if spec.access.models == Objects():
            return {"SIGN_IN_URL": sign_in_url}
        return {"MODELS_BUCKET": storage.models.bucket_name}

    def _outputs(self, values: Mapping[str, str]) -> None:
        for name, value in values.items():
            CfnOutput(self, f"{name}Output", value=value).override_logical_id(name)


def weak(value: str) -> str:
    """A value of another stack that may be gone when that stack changes.

    An endpoint of another kind (serverless, instances) is another endpoint. By an export, CloudFormation would refuse that
    change for as long as this stack uses the old one, and this stack cannot use the new one before the change.
    """
    return Stack.consume_reference(value, ReferenceStrength.WEAK)


def _detecting(settings: EdgeSettings, inference: Inference) -> Access:
    """Ask the endpoints; store a picture where pictures are kept. What was stored it cannot read."""
    kept = Objects(writes=(INCOMING,)) if settings.keep_images == "day" else Objects()
    return Access(data=kept, endpoints=tuple(weak(endpoint.arn) for endpoint in inference.endpoints.values()))


def _origins(text: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    wrong = [origin for origin in found if not ORIGIN.fullmatch(origin)]
    if wrong:
        raise UsageError(
            f"cors_origins names {', '.join(wrong)}: expected origins like https://app.example, comma separated, without path "
            "or wildcard (http only for localhost)"
        )
    return found
