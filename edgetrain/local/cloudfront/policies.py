"""Cache policies that CloudFront brings, and policies of response headers."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from edgetrain.local.cloudfront.reading import is_true, refuse_unknown

#: The managed policy by which an origin is sent all that the viewer sent but `Host`.
FORWARDS_ALL_BUT_HOST: Final = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
MAX_AGE: Final = re.compile(r"(s-maxage|max-age)=(\d+)")
UNKEPT: Final = re.compile(r"\b(no-cache|no-store|private)\b")


@dataclass(frozen=True, kw_only=True)
class CachePolicy:
    """How long answers are kept, in seconds, and whether they may be compressed."""

    shortest: float
    usual: float
    longest: float
    compresses: bool

    def seconds_for(self, cache_control: str) -> float:
        """How long an answer with this `Cache-Control` is kept. One that forbids it is kept for `shortest` all the same."""
        text = cache_control.lower()
        if UNKEPT.search(text):
            return self.shortest
        ages = {name: float(seconds) for name, seconds in MAX_AGE.findall(text)}
        wanted = ages.get("s-maxage", ages.get("max-age", self.usual))
        return min(max(wanted, self.shortest), self.longest)


#: Id -> policy: CachingOptimized and CachingDisabled.
CACHE_POLICIES: Final = {
    "658327ea-f89d-4fab-a63d-7e88639e58f6": CachePolicy(shortest=1, usual=86_400, longest=31_536_000, compresses=True),
    "4135ea2d-6df8-44a3-9df3-4b5a84be39ad": CachePolicy(shortest=0, usual=0, longest=0, compresses=False),
}


@dataclass(frozen=True)
class SetHeader:
    """A header of every answer; one that the origin sent stays unless it `overrides`."""

    name: str
    value: str
    overrides: bool


@dataclass(frozen=True)
class HeadersPolicy:
    """Headers that are set on answers."""

    headers: tuple[SetHeader, ...]

    def apply(self, answered: Mapping[str, str]) -> dict[str, str]:
        """The answer's headers with the policy's."""
        result = dict(answered)
        for header in self.headers:
            same = [name for name in result if name.lower() == header.name.lower()]
            if same and not header.overrides:
                continue
            for name in same:
                del result[name]
            result[header.name] = header.value
        return result


def read_headers_policy(config: Mapping[str, Any]) -> HeadersPolicy:
    """A `ResponseHeadersPolicyConfig` of a template.

    Raises:
        ValueError: it has a part that the embedded cloud does not know.
    """
    refuse_unknown("headers policy", config, {"Comment", "CustomHeadersConfig", "Name", "SecurityHeadersConfig"})
    security = _security_headers(config.get("SecurityHeadersConfig", {}))
    custom = (
        SetHeader(each["Header"], str(each["Value"]), _overrides(each))
        for each in config.get("CustomHeadersConfig", {}).get("Items", [])
    )
    return HeadersPolicy((*security, *custom))


def _security_headers(config: Mapping[str, Mapping[str, Any]]) -> Iterator[SetHeader]:
    for name, declared in config.items():
        overrides = _overrides(declared)
        match name:
            case "ContentSecurityPolicy":
                yield SetHeader("Content-Security-Policy", declared["ContentSecurityPolicy"], overrides)
            case "ContentTypeOptions":
                yield SetHeader("X-Content-Type-Options", "nosniff", overrides)
            case "FrameOptions":
                yield SetHeader("X-Frame-Options", declared["FrameOption"], overrides)
            case "ReferrerPolicy":
                yield SetHeader("Referrer-Policy", declared["ReferrerPolicy"], overrides)
            case "StrictTransportSecurity":
                yield SetHeader("Strict-Transport-Security", _transport(declared), overrides)
            case _:
                raise ValueError(f"the embedded cloud's CloudFront does not know the security header {name}")


def _transport(declared: Mapping[str, Any]) -> str:
    parts = [f"max-age={declared['AccessControlMaxAgeSec']}"]
    for setting, directive in (("IncludeSubdomains", "includeSubDomains"), ("Preload", "preload")):
        if is_true(declared.get(setting, False)):
            parts.append(directive)
    return "; ".join(parts)


def _overrides(declared: Mapping[str, Any]) -> bool:
    return is_true(declared.get("Override", False))
