"""Buckets and their policies."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from edgetrain.local.cloudformation.providers.base import ServiceProvider, chosen, unless_gone
from edgetrain.local.cloudformation.resources import Declared, Made, Resource
from edgetrain.local.place import REGION

#: CloudFormation's names of encryption settings -> the API's.
ENCRYPTION: Final = {"ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault"}


class BucketProvider(ServiceProvider):
    """`AWS::S3::Bucket`."""

    kind = "AWS::S3::Bucket"
    service = "s3"
    named_by = "BucketName"
    immutable = frozenset({"BucketName"})
    properties = frozenset(
        {
            *("BucketName", "BucketEncryption", "CorsConfiguration", "LifecycleConfiguration", "OwnershipControls"),
            *("PublicAccessBlockConfiguration", "Tags", "VersioningConfiguration", "AccessControl"),
        }
    )

    def create(self, declared: Declared) -> Made:
        name = declared.properties.get("BucketName", declared.name)
        if any(bucket["Name"] == name for bucket in self.client.list_buckets()["Buckets"]):
            raise ValueError(f"{name} already exists")
        self.client.create_bucket(Bucket=name)
        self._configure(name, declared.properties, {})
        return self._made(name)

    def update(self, standing: Resource, declared: Declared) -> Made:
        self._configure(standing.physical_id, declared.properties, standing.properties)
        return self._made(standing.physical_id)

    def delete(self, standing: Resource) -> None:
        unless_gone(lambda: self.client.delete_bucket(Bucket=standing.physical_id), ["NoSuchBucket"])

    def _made(self, name: str) -> Made:
        return Made(
            name,
            {
                "Arn": f"arn:aws:s3:::{name}",
                "DomainName": f"{name}.s3.amazonaws.com",
                "DualStackDomainName": f"{name}.s3.dualstack.{REGION}.amazonaws.com",
                "RegionalDomainName": f"{name}.s3.{REGION}.amazonaws.com",
                "WebsiteURL": f"http://{name}.s3-website-{REGION}.amazonaws.com",
            },
        )

    def _configure(self, name: str, wanted: Mapping[str, Any], before: Mapping[str, Any]) -> None:
        for setting in sorted({*wanted, *before} - {"BucketName", "AccessControl"}):
            if wanted.get(setting) == before.get(setting):
                continue
            if setting in wanted:
                self._set(name, setting, wanted[setting])
            else:
                self._unset(name, setting)

    def _set(self, name: str, setting: str, value: Any) -> None:
        s3 = self.client
        if setting == "BucketEncryption":
            rules = [
                {ENCRYPTION.get(n, n): v for n, v in r.items()} for r in value["ServerSideEncryptionConfiguration"]
            ]
            s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": rules})
        elif setting == "CorsConfiguration":
            s3.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": list(map(_cors_rule, value["CorsRules"]))})
        elif setting == "LifecycleConfiguration":
            rules = list(map(_lifecycle_rule, value["Rules"]))
            s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": rules})
        elif setting == "OwnershipControls":
            s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls={"Rules": value["Rules"]})
        elif setting == "PublicAccessBlockConfiguration":
            s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=value)
        elif setting == "Tags":
            s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": value})
        elif setting == "VersioningConfiguration":
            s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": value["Status"]})

    def _unset(self, name: str, setting: str) -> None:
        s3 = self.client
        if setting == "VersioningConfiguration":
            s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Suspended"})
            return
        {
            "BucketEncryption": s3.delete_bucket_encryption,
            "CorsConfiguration": s3.delete_bucket_cors,
            "LifecycleConfiguration": s3.delete_bucket_lifecycle,
            "OwnershipControls": s3.delete_bucket_ownership_controls,
            "PublicAccessBlockConfiguration": s3.delete_public_access_block,
            "Tags": s3.delete_bucket_tagging,
        }[setting](Bucket=name)


def _cors_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    names = {"ExposedHeaders": "ExposeHeaders", "MaxAge": "MaxAgeSeconds", "Id": "ID"}
    return {names.get(name, name): value for name, value in rule.items()}


def _lifecycle_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A rule as the API writes it.

    Raises:
        ValueError: it has a setting that is not known here.
    """
    converted: dict[str, Any] = {"Status": rule["Status"], "Filter": {"Prefix": rule.get("Prefix", "")}}
    known = {"Status", "Prefix", "Id", "AbortIncompleteMultipartUpload", "NoncurrentVersionExpiration", "Transitions"}
    expiration = dict(_expiration(rule))
    unknown = set(rule) - known - {"ExpirationInDays", "ExpiredObjectDeleteMarker", "NoncurrentVersionExpirationInDays"}
    if unknown:
        raise ValueError(f"the embedded cloud does not know the life-cycle setting {', '.join(sorted(unknown))}")
    if "Id" in rule:
        converted["ID"] = rule["Id"]
    if expiration:
        converted["Expiration"] = expiration
    converted |= chosen(rule, "AbortIncompleteMultipartUpload", "NoncurrentVersionExpiration")
    if "NoncurrentVersionExpirationInDays" in rule:
        converted["NoncurrentVersionExpiration"] = {"NoncurrentDays": int(rule["NoncurrentVersionExpirationInDays"])}
    if "Transitions" in rule:
        converted["Transitions"] = [
            {"Days": int(each["TransitionInDays"]), "StorageClass": each["StorageClass"]}
            for each in rule["Transitions"]
        ]
    return converted


def _expiration(rule: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if "ExpirationInDays" in rule:
        yield "Days", int(rule["ExpirationInDays"])
    if "ExpiredObjectDeleteMarker" in rule:
        yield "ExpiredObjectDeleteMarker", rule["ExpiredObjectDeleteMarker"]


class BucketPolicyProvider(ServiceProvider):
    """`AWS::S3::BucketPolicy`."""

    kind = "AWS::S3::BucketPolicy"
    service = "s3"
    immutable = frozenset({"Bucket"})
    properties = frozenset({"Bucket", "PolicyDocument"})

    def create(self, declared: Declared) -> Made:
        bucket = declared.properties["Bucket"]
        self.client.put_bucket_policy(Bucket=bucket, Policy=json.dumps(declared.properties["PolicyDocument"]))
        return Made(bucket)

    def update(self, standing: Resource, declared: Declared) -> Made:  # noqa: ARG002
        return self.create(declared)

    def delete(self, standing: Resource) -> None:
        unless_gone(lambda: self.client.delete_bucket_policy(Bucket=standing.physical_id), ["NoSuchBucket"])
