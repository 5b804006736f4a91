"""Lambda functions and layer versions."""

import io
import zipfile
from collections.abc import Mapping
from typing import Any

from edgetrain.local.cloudformation.providers.base import (
    ReplacedProvider,
    ServiceProvider,
    chosen,
    flat_tags,
    unless_gone,
)
from edgetrain.local.cloudformation.resources import Declared, Made, Resource

GONE = ["ResourceNotFoundException"]
#: Settings that UpdateFunctionConfiguration takes.
CONFIGURATION = (
    *("Role", "Handler", "Description", "Timeout", "MemorySize", "Environment", "Runtime", "TracingConfig", "Layers"),
    *("EphemeralStorage", "LoggingConfig", "DeadLetterConfig"),
)


class FunctionProvider(ServiceProvider):
    """`AWS::Lambda::Function`."""

    kind = "AWS::Lambda::Function"
    service = "lambda"
    named_by = "FunctionName"
    immutable = frozenset({"FunctionName", "PackageType"})
    properties = frozenset(
        {"FunctionName", "Code", "Architectures", "PackageType", "ReservedConcurrentExecutions", "Tags", *CONFIGURATION}
    )

    def create(self, declared: Declared) -> Made:
        wanted = declared.properties
        request = chosen(wanted, *CONFIGURATION, "Architectures", "PackageType")
        name = wanted.get("FunctionName", declared.name)
        function = self.client.create_function(
            FunctionName=name, Code=_code(wanted), Tags=flat_tags(wanted), **_typed(request)
        )
        self._reserve(name, wanted, {})
        return Made(name, {"Arn": function["FunctionArn"]})

    def update(self, standing: Resource, declared: Declared) -> Made:
        wanted, before, name = declared.properties, standing.properties, standing.physical_id
        if wanted["Code"] != before["Code"] or wanted.get("Architectures") != before.get("Architectures"):
            self.client.update_function_code(FunctionName=name, **_code(wanted))
        if any(wanted.get(setting) != before.get(setting) for setting in CONFIGURATION):
            request = {"Environment": {"Variables": {}}, "Layers": [], **chosen(wanted, *CONFIGURATION)}
            self.client.update_function_configuration(FunctionName=name, **_typed(request))
        self._reserve(name, wanted, before)
        tags, old = flat_tags(wanted), flat_tags(before)
        arn = standing.attributes["Arn"]
        if gone := sorted(old.keys() - tags.keys()):
            self.client.untag_resource(Resource=arn, TagKeys=gone)
        if tags and tags != old:
            self.client.tag_resource(Resource=arn, Tags=tags)
        return Made(name, standing.attributes)

    def delete(self, standing: Resource) -> None:
        unless_gone(lambda: self.client.delete_function(FunctionName=standing.physical_id), GONE)

    def _reserve(self, name: str, wanted: Mapping[str, Any], before: Mapping[str, Any]) -> None:
        reserved = wanted.get("ReservedConcurrentExecutions")
        if reserved is not None:
            self.client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=int(reserved))
        elif "ReservedConcurrentExecutions" in before:
            self.client.delete_function_concurrency(FunctionName=name)


def _code(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The code as the API takes it; what a template gives as text becomes a zip file with one module."""
    code = dict(wanted["Code"])
    if "ZipFile" not in code:
        return code
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        info = zipfile.ZipInfo("index.py")
        info.external_attr = 0o644 << 16
        archive.writestr(info, code["ZipFile"])
    return {"ZipFile": buffer.getvalue()}


def _typed(request: dict[str, Any]) -> dict[str, Any]:
    """Numbers and texts as the API wants them: templates may give either for the other."""
    for name in ("Timeout", "MemorySize"):
        if name in request:
            request[name] = int(request[name])
    if "Environment" in request:
        variables = request["Environment"].get("Variables", {})
        request["Environment"] = {"Variables": {name: str(value) for name, value in variables.items()}}
    return request


class LayerVersionProvider(ReplacedProvider):
    """`AWS::Lambda::LayerVersion`: any change makes another version."""

    kind = "AWS::Lambda::LayerVersion"
    service = "lambda"
    properties = frozenset(
        {"LayerName", "Content", "Description", "CompatibleRuntimes", "CompatibleArchitectures", "LicenseInfo"}
    )
    immutable = properties

    def create(self, declared: Declared) -> Made:
        wanted = declared.properties
        settings = chosen(
            wanted, "Content", "Description", "CompatibleRuntimes", "CompatibleArchitectures", "LicenseInfo"
        )
        name = wanted.get("LayerName", declared.name)
        version = self.client.publish_layer_version(LayerName=name, **settings)
        return Made(version["LayerVersionArn"], {"LayerVersionArn": version["LayerVersionArn"]})

    def delete(self, standing: Resource) -> None:
        name, version = standing.physical_id.split(":")[6:8]
        unless_gone(lambda: self.client.delete_layer_version(LayerName=name, VersionNumber=int(version)), GONE)
