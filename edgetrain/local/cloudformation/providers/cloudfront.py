"""Distributions, their access to buckets and their headers."""

from collections.abc import Mapping
from typing import Any

from edgetrain.local.cloudformation.resources import Declared, Made, Provider, Resource
from edgetrain.local.cloudfront import api
from edgetrain.local.cloudfront.configuration import read_distribution
from edgetrain.local.cloudfront.distributions import Distributions, domain_of, identity_of
from edgetrain.local.cloudfront.policies import read_headers_policy


def cloudfront_providers(distributions: Distributions) -> tuple[Provider, ...]:
    """The providers of CloudFront's types."""
    return (
        DistributionProvider(distributions),
        OriginAccessControlProvider(),
        ResponseHeadersPolicyProvider(distributions),
    )


class DistributionProvider:
    """`AWS::CloudFront::Distribution`."""

    kind = "AWS::CloudFront::Distribution"
    named_by = ""
    immutable: frozenset[str] = frozenset()
    properties = frozenset({"DistributionConfig", "Tags"})

    def __init__(self, distributions: Distributions) -> None:
        self._distributions = distributions

    def create(self, declared: Declared) -> Made:
        return self._bring(identity_of(declared.name), domain_of(declared.name), declared)

    def update(self, standing: Resource, declared: Declared) -> Made:
        return self._bring(standing.physical_id, standing.attributes["DomainName"], declared)

    def _bring(self, identity: str, domain: str, declared: Declared) -> Made:
        config: Mapping[str, Any] = declared.properties["DistributionConfig"]
        distribution = read_distribution(identity, domain, config)
        api.register(identity, domain, config, reference=declared.name)
        self._distributions.keep(distribution)
        return Made(identity, {"Id": identity, "DomainName": domain})

    def delete(self, standing: Resource) -> None:
        self._distributions.remove(standing.physical_id)
        api.forget(standing.physical_id)


class OriginAccessControlProvider:
    """`AWS::CloudFront::OriginAccessControl`: that requests to a bucket are signed, as CloudFront here always does."""

    kind = "AWS::CloudFront::OriginAccessControl"
    named_by = ""
    immutable: frozenset[str] = frozenset()
    properties = frozenset({"OriginAccessControlConfig"})

    def create(self, declared: Declared) -> Made:
        config = declared.properties["OriginAccessControlConfig"]
        asked = (config["OriginAccessControlOriginType"], config["SigningBehavior"], config["SigningProtocol"])
        if asked != ("s3", "always", "sigv4"):
            raise ValueError(f"the embedded cloud's CloudFront signs ('s3', 'always', 'sigv4'), and not {asked}")
        identity = identity_of(declared.name)
        return Made(identity, {"Id": identity})

    def update(self, standing: Resource, declared: Declared) -> Made:
        self.create(declared)
        return Made(standing.physical_id, standing.attributes)

    def delete(self, standing: Resource) -> None:
        """Nothing but its id was made."""


class ResponseHeadersPolicyProvider:
    """`AWS::CloudFront::ResponseHeadersPolicy`."""

    kind = "AWS::CloudFront::ResponseHeadersPolicy"
    named_by = ""
    immutable: frozenset[str] = frozenset()
    properties = frozenset({"ResponseHeadersPolicyConfig"})

    def __init__(self, distributions: Distributions) -> None:
        self._distributions = distributions

    def create(self, declared: Declared) -> Made:
        return self._bring(identity_of(declared.name), declared)

    def update(self, standing: Resource, declared: Declared) -> Made:
        return self._bring(standing.physical_id, declared)

    def _bring(self, identity: str, declared: Declared) -> Made:
        policy = read_headers_policy(declared.properties["ResponseHeadersPolicyConfig"])
        self._distributions.keep_policy(identity, policy)
        return Made(identity, {"Id": identity})

    def delete(self, standing: Resource) -> None:
        self._distributions.remove_policy(standing.physical_id)
