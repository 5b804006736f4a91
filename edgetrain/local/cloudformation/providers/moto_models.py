"""Types that nobody here knows and moto does: by its CloudFormation models."""

from collections.abc import Iterator, Mapping
from typing import Any

from edgetrain.local.cloudformation.resources import Declared, Made, Resource
from edgetrain.local.place import ACCOUNT, REGION


class MotoProvider:
    """A provider over one of moto's models. Which properties it acts on is moto's to know."""

    immutable: frozenset[str] = frozenset()
    properties: frozenset[str] | None = None

    def __init__(self, kind: str, model: Any) -> None:
        self.kind = kind
        self.named_by = str(model.cloudformation_name_type() or "")
        self._model = model

    def create(self, declared: Declared) -> Made:
        name = declared.properties.get(self.named_by, declared.name) if self.named_by else declared.name
        made = self._model.create_from_cloudformation_json(
            name,
            {"Type": declared.kind, "Properties": dict(declared.properties)},
            ACCOUNT,
            REGION,
            LogicalId=declared.logical_id,
            StackId=declared.stack_id,
            ResourceType=declared.kind,
        )
        return Made(made.physical_resource_id, _Attributes(made))

    def update(self, standing: Resource, declared: Declared) -> Made:
        update = self._model.update_from_cloudformation_json
        if hasattr(update, "__isabstractmethod__"):
            raise ValueError(f"the embedded cloud cannot change a {self.kind}: delete it first")
        made = update(
            original_resource=_instance(standing),
            new_resource_name=declared.name,
            cloudformation_json={"Type": declared.kind, "Properties": dict(declared.properties)},
            account_id=ACCOUNT,
            region_name=REGION,
        )
        return Made(made.physical_resource_id, _Attributes(made))

    def delete(self, standing: Resource) -> None:
        instance = _instance(standing)
        if hasattr(instance, "delete"):
            instance.delete(ACCOUNT, REGION)
            return
        delete = self._model.delete_from_cloudformation_json
        if not hasattr(delete, "__isabstractmethod__"):
            described = {"Type": standing.kind, "Properties": dict(standing.properties)}
            delete(standing.physical_id, described, ACCOUNT, REGION)


class _Attributes(Mapping[str, Any]):
    """What moto's instance answers to Fn::GetAtt."""

    def __init__(self, instance: Any) -> None:
        self.instance = instance

    def __getitem__(self, name: str) -> Any:
        if name not in self:
            raise KeyError(name)
        return self.instance.get_cfn_attribute(name)

    def __contains__(self, name: object) -> bool:
        return bool(self.instance.has_cfn_attr(name))

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _instance(standing: Resource) -> Any:
    attributes = standing.attributes
    return attributes.instance if isinstance(attributes, _Attributes) else None


def moto_provider(kind: str) -> MotoProvider | None:
    """Moto's model of a type as a provider; None where moto has none, either.

    Importing moto's models of all services takes a second: it is done when a template first asks.
    """
    from moto.cloudformation.parsing import get_model_map

    model = get_model_map().get(kind)
    return None if model is None else MotoProvider(kind, model)
