"""Brings a stack's resources to what a template says: in the order of their dependencies, and back when one fails."""

import logging
from collections.abc import Callable, Iterable
from typing import Any, Final, NoReturn

from botocore.exceptions import BotoCoreError, ClientError

from edgetrain.local.cloudformation.errors import ResourceFailed, StackError, invalid
from edgetrain.local.cloudformation.names import physical_name
from edgetrain.local.cloudformation.parameters import resolve_parameters
from edgetrain.local.cloudformation.providers import Providers
from edgetrain.local.cloudformation.resolving import Resolver
from edgetrain.local.cloudformation.resources import Declared, Made, Provider, Resource
from edgetrain.local.cloudformation.stack import Exports, Output, Stack, Wanted
from edgetrain.local.cloudformation.template import Template

logger = logging.getLogger(__name__)

#: Stands in templates for the CDK's own statistics; CloudFormation makes nothing of it.
METADATA: Final = "AWS::CDK::Metadata"
KEPT: Final = frozenset({"Retain", "RetainExceptOnCreate"})


class Rollout:
    """One pass over a stack. `run` raises `ResourceFailed` and leaves what was done done: rolling back is another pass."""

    def __init__(
        self,
        stack: Stack,
        wanted: Wanted,
        providers: Providers,
        exports: Exports,
        find_parameter: Callable[[str], str],
        output_of: Callable[[str, str], str],
        localise: Callable[[Any], Any],
    ) -> None:
        """Read the template against the stack.

        Raises:
            StackError: a parameter is missing, a type is not supported, or the template contradicts itself.
        """
        self._stack = stack
        self._template = wanted.template
        self._providers = providers
        self._exports = exports
        self._imports: set[str] = set()
        self._superseded: list[Resource] = []
        self.parameters = resolve_parameters(wanted.template, wanted.parameters, find_parameter)
        self._made: dict[str, Resource] = {}
        self._resolver = Resolver(
            stack_id=stack.stack_id,
            stack_name=stack.name,
            parameters=self.parameters,
            resources=self._made,
            mappings=wanted.template.section("Mappings"),
            conditions=wanted.template.section("Conditions"),
            imported=self._import,
            output_of=output_of,
            localise=localise,
        )
        self._resolver.check_rules(wanted.template.section("Rules"))
        self._order = [each for each in _enabled_order(self._template, self._resolver) if self._kind(each) != METADATA]

    def _kind(self, logical_id: str) -> str:
        return str(self._template.resources[logical_id].get("Type", ""))

    def run(self) -> None:
        """Make and change resources, then outputs, then delete what is no longer wanted."""
        for logical_id in self._order:
            self._made[logical_id] = self._bring(logical_id)
            self._stack.resources[logical_id] = self._made[logical_id]
        outputs = self._outputs()
        self._check_exports(outputs)
        self._stack.outputs, self._stack.imports = outputs, self._imports
        self._stack.resolved_parameters = self.parameters
        self._exports.replace(self._stack, outputs)
        self._clean_up()

    # --- one resource

    def _bring(self, logical_id: str) -> Resource:
        standing = self._stack.resources.get(logical_id)
        kind = self._kind(logical_id)
        provider = self._providers.of(kind)
        if provider is None:
            self._fail(logical_id, kind, standing, f"the embedded cloud does not support resource type {kind}")
        try:
            properties = self._resolver.value(self._template.resources[logical_id].get("Properties", {}))
            _check_properties(provider, properties)
        except Exception as error:
            self._fail(logical_id, kind, standing, reason_of(error))
        if standing is not None and standing.kind == kind and standing.properties == properties:
            return self._described(logical_id, kind, properties, standing, standing.generation, standing.status)
        return self._change(provider, logical_id, properties, standing)

    def _change(
        self, provider: Provider, logical_id: str, properties: dict[str, Any], standing: Resource | None
    ) -> Resource:
        replaced = standing is not None and _must_replace(provider, standing, properties)
        if replaced and standing is not None and (taken := _taken_name(provider, standing, properties)):
            reason = "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
            self._fail(logical_id, provider.kind, standing, f"{reason}Rename {taken} and update the stack again.")
        generation = 0 if standing is None else standing.generation + int(replaced)
        declared = Declared(
            logical_id=logical_id,
            kind=provider.kind,
            name=physical_name(provider.kind, self._stack.stack_id, logical_id, generation),
            stack_id=self._stack.stack_id,
            properties=properties,
        )
        word = "CREATE" if standing is None or replaced else "UPDATE"
        self._stack.tell(
            logical_id, "" if standing is None else standing.physical_id, provider.kind, f"{word}_IN_PROGRESS"
        )
        try:
            made = provider.create(declared) if standing is None or replaced else provider.update(standing, declared)
        except Exception as error:
            self._fail(logical_id, provider.kind, standing, reason_of(error), f"{word}_FAILED")
        if standing is not None and replaced:
            self._superseded.append(standing)
        self._stack.tell(logical_id, made.physical_id, provider.kind, f"{word}_COMPLETE")
        return self._described(logical_id, provider.kind, properties, made, generation, f"{word}_COMPLETE")

    def _described(
        self, logical_id: str, kind: str, properties: Any, made: Made | Resource, generation: int, status: str
    ) -> Resource:
        declared = self._template.resources[logical_id]
        return Resource(
            logical_id=logical_id,
            kind=kind,
            physical_id=made.physical_id,
            attributes=made.attributes,
            properties=properties,
            generation=generation,
            deletion_policy=declared.get("DeletionPolicy", "Delete"),
            replace_policy=declared.get("UpdateReplacePolicy", "Delete"),
            status=status,
        )

    def _fail(
        self, logical_id: str, kind: str, standing: Resource | None, reason: str, status: str | None = None
    ) -> NoReturn:
        status = status or ("CREATE_FAILED" if standing is None else "UPDATE_FAILED")
        self._stack.tell(logical_id, "" if standing is None else standing.physical_id, kind, status, reason)
        raise ResourceFailed(logical_id, kind, reason)

    # --- outputs and exports

    def _import(self, name: str) -> str:
        value = self._exports.value(name)
        if value is None:
            raise invalid(f"No export named {name} found.")
        self._imports.add(name)
        return value

    def _outputs(self) -> list[Output]:
        outputs = []
        for key, declared in self._template.section("Outputs").items():
            try:
                if "Condition" in declared and not self._resolver.holds(declared["Condition"]):
                    continue
                value = str(self._resolver.value(declared["Value"]))
                export = self._resolver.resolve(declared["Export"]["Name"]) if "Export" in declared else None
            except Exception as error:
                self._fail(key, "Output", None, reason_of(error))
            outputs.append(Output(key=key, value=value, description=declared.get("Description"), export=export))
        return outputs

    def _check_exports(self, outputs: list[Output]) -> None:
        new = {each.export: each.value for each in outputs if each.export is not None}
        for name in new:
            owner = self._exports.owner(name)
            if owner is not None and owner is not self._stack:
                raise ResourceFailed(
                    name, "Export", f"Export with name {name} is already exported by stack {owner.name}"
                )

    # --- what is no longer wanted

    def _clean_up(self) -> None:
        """Delete resources that were replaced or left out of the template, the youngest first. A failure stays behind."""
        removed = [each for each in self._stack.resources.values() if each.logical_id not in self._made]
        for resource in self._superseded:
            self._delete_old(resource, resource.replace_policy)
        for resource in reversed(removed):
            self._delete_old(resource, resource.deletion_policy)
            del self._stack.resources[resource.logical_id]
        self._stack.resources = {logical_id: self._made[logical_id] for logical_id in self._order}

    def _delete_old(self, resource: Resource, policy: str) -> None:
        try:
            delete_resource(self._stack, resource, policy, self._providers)
        except ResourceFailed as error:
            logger.warning("%s: %s is left behind: %s", self._stack.name, resource.physical_id, error.reason)


def delete_resource(stack: Stack, resource: Resource, policy: str, providers: Providers) -> None:
    """Delete one resource, or keep it where its policy says so.

    Raises:
        ResourceFailed: it could not be deleted.
    """
    where = (resource.logical_id, resource.physical_id, resource.kind)
    if policy in KEPT:
        stack.tell(*where, "DELETE_SKIPPED")
        return
    stack.tell(*where, "DELETE_IN_PROGRESS")
    provider = providers.of(resource.kind)
    try:
        if provider is not None:
            provider.delete(resource)
    except Exception as error:
        reason = reason_of(error)
        stack.tell(*where, "DELETE_FAILED", reason)
        raise ResourceFailed(resource.logical_id, resource.kind, reason) from error
    stack.tell(*where, "DELETE_COMPLETE")


def reason_of(error: Exception) -> str:
    """What a resource's event says of an error. One that nobody expected goes into the log, too."""
    if isinstance(error, ClientError):
        about = error.response.get("Error", {})
        return f"{about.get('Message', error)} (Service: {error.operation_name}, Error Code: {about.get('Code')})"
    if not isinstance(error, (BotoCoreError, ValueError, StackError)):
        logger.exception("a resource failed")
    return str(getattr(error, "message", error)) or type(error).__name__


def _enabled_order(template: Template, resolver: Resolver) -> Iterable[str]:
    enabled = {
        logical_id
        for logical_id, declared in template.resources.items()
        if "Condition" not in declared or resolver.holds(declared["Condition"])
    }
    return template.order(enabled)


def _check_properties(provider: Provider, properties: dict[str, Any]) -> None:
    if provider.properties is not None and (unknown := sorted(set(properties) - provider.properties)):
        raise invalid(f"the embedded cloud does not support the property {', '.join(unknown)} of {provider.kind}")


def _must_replace(provider: Provider, standing: Resource, properties: dict[str, Any]) -> bool:
    """Whether the change means another resource."""
    if standing.kind != provider.kind:
        return True
    changed = {n for n in {*standing.properties, *properties} if standing.properties.get(n) != properties.get(n)}
    return bool(changed & provider.immutable)


def _taken_name(provider: Provider, standing: Resource, properties: dict[str, Any]) -> str | None:
    """The name that the template gives to both the standing resource and the one in its place, if it does."""
    named = properties.get(provider.named_by) if provider.named_by else None
    return named if named is not None and named == standing.properties.get(provider.named_by) else None
