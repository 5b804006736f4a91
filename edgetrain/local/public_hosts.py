"""Hosts that exist on AWS alone, and where the embedded cloud serves what answers there.

Names keep AWS's shape (`d1abc.cloudfront.net`); a URL `https://<such a name>` in a resource's properties or in a stack's outputs
becomes one of this machine. Nothing else is rewritten: a host without its scheme (CloudFront's origins), and the issuer of tokens
(`https://cognito-idp...`), which is compared and never asked, stay as they are.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

#: Where the HTTP APIs answer on the cloud's endpoint: below it, the API's id, then the path with its stage.
APIS: Final = "/_api"

_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_REGION: Final = r"[a-z]{2}(?:-[a-z]+)+-\d+"
#: Kinds of public hosts. A host ends where a URL's authority ends: `https://d1.cloudfront.net.example.org` is none.
_HOSTS: Final = re.compile(
    rf"""https://(?:
      (?P<web>{_LABEL}\.cloudfront\.net)
    | (?P<api>{_LABEL})\.execute-api\.{_REGION}\.amazonaws\.com
    | (?P<sign_in>{_LABEL}\.auth\.{_REGION}\.amazoncognito\.com)
    | (?P<bucket>[a-z0-9][a-z0-9.-]*[a-z0-9]\.s3(?:\.{_REGION})?\.amazonaws\.com)
    )(?::443)?(?![A-Za-z0-9.:@-])""",
    re.VERBOSE,
)
#: Properties that hold origins: scheme, host and port, never a path.
_ORIGINS: Final = frozenset({"ContentSecurityPolicy", "AllowOrigins", "AllowedOrigins"})


@dataclass(frozen=True)
class PublicHosts:
    """Where this cloud serves: `endpoint` (`http://127.0.0.1:4566`) and `web` (`http://127.0.0.1:4567`)."""

    endpoint: str
    web: str

    def rewrite(self, text: str, *, origins: bool = False) -> str:
        """The text with every public URL's beginning replaced; with `origins`, by no more than an origin."""

        def local(found: "re.Match[str]") -> str:
            if found["web"]:
                return self.web
            if found["api"] and not origins:
                return f"{self.endpoint}{APIS}/{found['api']}"
            return self.endpoint

        return _HOSTS.sub(local, text) if "https://" in text else text

    def localise(self, value: Any) -> Any:
        """A value of a template, resolved, with every string in it rewritten; keys of mappings stay."""
        return self._localise(value, origins=False)

    def _localise(self, value: Any, *, origins: bool) -> Any:
        if isinstance(value, str):
            return self.rewrite(value, origins=origins)
        if isinstance(value, Mapping):
            return {name: self._localise(each, origins=origins or name in _ORIGINS) for name, each in value.items()}
        return [self._localise(each, origins=origins) for each in value] if isinstance(value, list) else value


def api_id_of(host: str) -> str | None:
    """The id in an HTTP API's own host (`ID.execute-api.REGION.amazonaws.com`); None of any other host."""
    return _group(host, "api")


def bucket_of(host: str) -> str | None:
    """The name in a bucket's own host (`BUCKET.s3.REGION.amazonaws.com`); None of any other host."""
    named = _group(host, "bucket")
    return None if named is None else named.rsplit(".s3.", 1)[0]


def _group(host: str, kind: str) -> str | None:
    found = _HOSTS.fullmatch(f"https://{host}")
    return found[kind] if found else None
