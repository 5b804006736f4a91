"""CloudFront's API: moto answers it, for moto knows every distribution that stands; an invalidation empties our cache, too."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from typing import Any, Final

from moto.cloudfront.models import Distribution as MotoDistribution
from moto.cloudfront.models import cloudfront_backends

from edgetrain.local.cloudfront.distributions import Distributions, arn_of
from edgetrain.local.place import ACCOUNT, PARTITION, REGION
from edgetrain.local.wsgi import Application, Reply, Request, call

INVALIDATIONS: Final = re.compile(r"/2020-05-31/distribution/([^/]+)/invalidation")
#: What CloudFormation's templates call otherwise than the API.
RENAMED: Final = {"OriginSSLProtocols": "OriginSslProtocols", "IPV6Enabled": "IsIPV6Enabled"}
#: Lists that the API writes as a quantity and items.
LISTS: Final = frozenset({"Aliases", "CacheBehaviors", "CustomErrorResponses", "Origins", "OriginSslProtocols"})


class CloudFrontApi:
    """Answers requests to CloudFront."""

    def __init__(self, moto: Application, distributions: Distributions) -> None:
        self._moto = moto
        self._distributions = distributions

    def answer(self, request: Request) -> Reply:
        body = request.body()
        reply = call(self._moto, request.environ)
        invalidates = INVALIDATIONS.fullmatch(request.path.rstrip("/"))
        if request.method == "POST" and invalidates and reply.succeeded:
            self._distributions.cache.invalidate(invalidates.group(1), _paths(body))
        return _spelled(reply) if "/invalidation" in request.path else reply


def _spelled(reply: Reply) -> Reply:
    """The same answer with the status as AWS spells it, which is what boto3's waiter looks for."""
    body = b"".join(reply.body).replace(b"<Status>COMPLETED</Status>", b"<Status>Completed</Status>")
    return Reply(reply.status, {**reply.headers, "Content-Length": str(len(body))}, [body])


def _paths(body: bytes) -> list[str]:
    """The paths of an invalidation that was accepted."""
    root = ET.fromstring(body)  # noqa: S314 (expat of Python >= 3.11 expands no external entities)
    return [each.text or "" for each in root.iter() if each.tag.rsplit("}", 1)[-1] == "Path"]


def register(identity: str, domain: str, config: Mapping[str, Any], reference: str) -> None:
    """Let moto know a distribution, by its id, as a template configured it; one that it knows already is replaced."""
    record: Any = MotoDistribution(ACCOUNT, REGION, {**_as_api(config), "CallerReference": reference})
    record.id = record.distribution_id = identity
    record.arn = arn_of(identity)
    record.domain_name = domain
    record.status = "Deployed"
    _backend().distributions[identity] = record


def forget(identity: str) -> None:
    """Let moto forget a distribution."""
    _backend().distributions.pop(identity, None)


def _backend() -> Any:
    return cloudfront_backends[ACCOUNT][PARTITION]


def _as_api(config: Mapping[str, Any]) -> dict[str, Any]:
    """A template's configuration as the API writes it."""
    result: dict[str, Any] = {}
    for declared, value in config.items():
        name = RENAMED.get(declared, declared)
        converted: Any = _as_api(value) if isinstance(value, Mapping) else value
        if isinstance(value, list):
            items = [_as_api(each) if isinstance(each, Mapping) else each for each in value]
            converted = {"Quantity": len(items), "Items": items} if name in LISTS else items
        result[name] = converted
    if "AllowedMethods" in result:
        cached = result.pop("CachedMethods", ["GET", "HEAD"])
        result["AllowedMethods"] = {
            "Quantity": len(result["AllowedMethods"]),
            "Items": result["AllowedMethods"],
            "CachedMethods": {"Quantity": len(cached), "Items": cached},
        }
    return result
