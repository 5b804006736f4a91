"""What a distribution's configuration in a template says, read. What could not be honoured is refused, never passed over."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from edgetrain.local.cloudfront.policies import CACHE_POLICIES, FORWARDS_ALL_BUT_HOST, CachePolicy
from edgetrain.local.cloudfront.reading import is_true, refuse_unknown
from edgetrain.local.public_hosts import api_id_of, bucket_of
from edgetrain.local.s3.policy import matches

GET_HEAD: Final = ("GET", "HEAD")
#: Errors that CloudFront keeps although their answer does not say so, and for how long, in seconds.
KEPT_ERRORS: Final = (404, 414, 500, 501, 502, 503, 504)
ERROR_SECONDS: Final = 10.0

#: What is honoured, or has nothing to do here (TLS, regions, protocols, what things cost).
DISTRIBUTION: Final = frozenset(
    {
        *("Aliases", "CacheBehaviors", "Comment", "CustomErrorResponses", "DefaultCacheBehavior", "DefaultRootObject"),
        *("Enabled", "HttpVersion", "IPV6Enabled", "Origins", "PriceClass", "ViewerCertificate"),
    }
)
BEHAVIOUR: Final = frozenset(
    {
        *("AllowedMethods", "CachePolicyId", "CachedMethods", "Compress", "OriginRequestPolicyId", "PathPattern"),
        *("ResponseHeadersPolicyId", "TargetOriginId", "ViewerProtocolPolicy"),
    }
)
ORIGIN: Final = frozenset(
    {
        *("ConnectionAttempts", "ConnectionTimeout", "CustomOriginConfig", "DomainName", "Id", "OriginAccessControlId"),
        *("OriginPath", "S3OriginConfig"),
    }
)


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where answers come from: a bucket, or an HTTP API."""

    bucket: str | None
    api: str | None
    host: str
    path: str


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """What happens to requests whose path meets `pattern`. `headers_policy` is an id; empty of none."""

    pattern: str
    origin: Origin
    methods: frozenset[str]
    compresses: bool
    cache: CachePolicy
    headers_policy: str

    def takes(self, path: str) -> bool:
        """Whether a path is meant; a pattern may leave out its first slash."""
        return matches("/" + self.pattern.removeprefix("/"), path)


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """A distribution: `behaviours` in their order, the default one last."""

    id: str
    domain: str
    aliases: tuple[str, ...]
    is_enabled: bool
    root: str
    behaviours: tuple[Behaviour, ...]
    error_seconds: Mapping[int, float]

    def behaviour_of(self, path: str) -> Behaviour:
        """The first that takes the path."""
        return next(each for each in self.behaviours if each.takes(path))


def read_distribution(identity: str, domain: str, config: Mapping[str, Any]) -> Distribution:
    """A `DistributionConfig` of a template, its expressions resolved.

    Raises:
        ValueError: it asks for something that the embedded cloud's CloudFront does not do.
    """
    refuse_unknown("distribution", config, DISTRIBUTION)
    origins = {each["Id"]: _origin(each) for each in config.get("Origins", [])}
    others = [_behaviour(each, origins) for each in config.get("CacheBehaviors", [])]
    default = _behaviour({**config["DefaultCacheBehavior"], "PathPattern": "*"}, origins)
    return Distribution(
        id=identity,
        domain=domain,
        aliases=tuple(config.get("Aliases", [])),
        is_enabled=is_true(config["Enabled"]),
        root=str(config.get("DefaultRootObject", "")).removeprefix("/"),
        behaviours=(*others, default),
        error_seconds=_error_seconds(config.get("CustomErrorResponses", [])),
    )


def _origin(declared: Mapping[str, Any]) -> Origin:
    refuse_unknown("origin", declared, ORIGIN)
    host = str(declared["DomainName"])
    path = str(declared.get("OriginPath", "")).rstrip("/")
    if "S3OriginConfig" in declared:
        bucket = bucket_of(host)
        if bucket is None:
            raise ValueError(f"origin {host} is no bucket: expected BUCKET.s3.REGION.amazonaws.com")
        if not declared.get("OriginAccessControlId"):
            raise ValueError(f"origin {host} has no OriginAccessControlId: expected one, for buckets are private")
        return Origin(bucket=bucket, api=None, host=host, path=path)
    api = api_id_of(host)
    if api is None:
        raise ValueError(f"origin {host} is not in the embedded cloud: expected a bucket or an HTTP API")
    return Origin(bucket=None, api=api, host=host, path=path)


def _behaviour(declared: Mapping[str, Any], origins: Mapping[str, Origin]) -> Behaviour:
    refuse_unknown("cache behaviour", declared, BEHAVIOUR)
    target = declared["TargetOriginId"]
    if target not in origins:
        raise ValueError(f"a cache behaviour's origin {target} is not among the distribution's")
    policy = declared.get("CachePolicyId")
    if policy not in CACHE_POLICIES:
        raise ValueError(
            f"cache policy {policy} is not known to the embedded cloud: expected CachingOptimized or CachingDisabled"
        )
    origin, forwards = origins[target], declared.get("OriginRequestPolicyId")
    if origin.api is not None and forwards != FORWARDS_ALL_BUT_HOST:
        raise ValueError(
            f"origin request policy {forwards} is not known to the embedded cloud: expected AllViewerExceptHostHeader"
        )
    return Behaviour(
        pattern=str(declared["PathPattern"]),
        origin=origin,
        methods=frozenset(declared.get("AllowedMethods", GET_HEAD)),
        compresses=is_true(declared.get("Compress", False)),
        cache=CACHE_POLICIES[policy],
        headers_policy=str(declared.get("ResponseHeadersPolicyId", "")),
    )


def _error_seconds(declared: Iterable[Mapping[str, Any]]) -> dict[int, float]:
    kept = dict.fromkeys(KEPT_ERRORS, ERROR_SECONDS)
    for each in declared:
        if each.get("ResponsePagePath") or each.get("ResponseCode"):
            raise ValueError("the embedded cloud's CloudFront has no error pages of one's own")
        kept[int(each["ErrorCode"])] = float(each.get("ErrorCachingMinTTL", ERROR_SECONDS))
    return kept
