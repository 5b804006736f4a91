"""Parameters of Systems Manager (the CDK's bootstrap version is one)."""

from edgetrain.local.cloudformation.providers.base import ServiceProvider, chosen, unless_gone
from edgetrain.local.cloudformation.resources import Declared, Made, Resource


class ParameterProvider(ServiceProvider):
    """`AWS::SSM::Parameter`."""

    kind = "AWS::SSM::Parameter"
    service = "ssm"
    named_by = "Name"
    immutable = frozenset({"Name", "Type"})
    properties = frozenset({"Name", "Type", "Value", "Description"})

    def create(self, declared: Declared) -> Made:
        return self._put(declared.properties.get("Name", declared.name), declared, overwrite=False)

    def update(self, standing: Resource, declared: Declared) -> Made:
        return self._put(standing.physical_id, declared, overwrite=True)

    def delete(self, standing: Resource) -> None:
        unless_gone(lambda: self.client.delete_parameter(Name=standing.physical_id), ["ParameterNotFound"])

    def _put(self, name: str, declared: Declared, *, overwrite: bool) -> Made:
        settings = chosen(declared.properties, "Type", "Value", "Description")
        self.client.put_parameter(Name=name, Overwrite=overwrite, **settings)
        return Made(name, {"Type": settings["Type"], "Value": settings["Value"]})
