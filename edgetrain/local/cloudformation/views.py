"""How stacks look to a client of CloudFormation."""

from typing import Any

from edgetrain.local.cloudformation.resources import Resource
from edgetrain.local.cloudformation.stack import ChangeSet, Event, Exports, Stack
from edgetrain.local.cloudformation.template import Template


def stack(described: Stack) -> dict[str, Any]:
    """A stack, as DescribeStacks and (in parts) ListStacks show it."""
    wanted = described.wanted
    return _present(
        StackId=described.stack_id,
        StackName=described.name,
        ChangeSetId=described.change_set_id,
        Description=None if wanted is None else wanted.template.description,
        TemplateDescription=None if wanted is None else wanted.template.description,
        Parameters=_parameters(described.resolved_parameters),
        CreationTime=described.created_at,
        LastUpdatedTime=described.updated_at,
        DeletionTime=described.deleted_at,
        RollbackConfiguration={},
        StackStatus=described.status,
        StackStatusReason=described.reason,
        DisableRollback=described.disables_rollback,
        NotificationARNs=[] if wanted is None else list(wanted.notification_arns),
        Capabilities=[] if wanted is None else list(wanted.capabilities),
        RoleARN=None if wanted is None else wanted.role_arn,
        Outputs=[
            _present(OutputKey=o.key, OutputValue=o.value, Description=o.description, ExportName=o.export)
            for o in described.outputs
        ],
        Tags=[] if wanted is None else _tags(wanted.tags),
        EnableTerminationProtection=described.is_protected,
        DriftInformation={"StackDriftStatus": "NOT_CHECKED"},
    )


def events(described: Stack) -> list[dict[str, Any]]:
    """A stack's events, the latest first."""
    return [_event(each) for each in reversed(described.events)]


def _event(event: Event) -> dict[str, Any]:
    return _present(
        StackId=event.stack_id,
        EventId=event.event_id,
        StackName=event.stack_name,
        LogicalResourceId=event.logical_id,
        PhysicalResourceId=event.physical_id,
        ResourceType=event.kind,
        Timestamp=event.timestamp,
        ResourceStatus=event.status,
        ResourceStatusReason=event.reason,
    )


def resource(of_stack: Stack, standing: Resource) -> dict[str, Any]:
    """A resource, for all three operations that show one."""
    return {
        "StackId": of_stack.stack_id,
        "StackName": of_stack.name,
        "LogicalResourceId": standing.logical_id,
        "PhysicalResourceId": standing.physical_id,
        "ResourceType": standing.kind,
        "ResourceStatus": standing.status,
        "Timestamp": standing.updated_at,
        "LastUpdatedTimestamp": standing.updated_at,
        "DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"},
    }


def change_set(described: ChangeSet) -> dict[str, Any]:
    """A change set, as DescribeChangeSet and (in parts) ListChangeSets show it."""
    changes = [
        {
            "Type": "Resource",
            "ResourceChange": _present(
                Action=each.action,
                LogicalResourceId=each.logical_id,
                PhysicalResourceId=each.physical_id,
                ResourceType=each.kind,
                Replacement=each.replacement,
                Scope=[],
                Details=[],
            ),
        }
        for each in described.changes
    ]
    return _present(
        ChangeSetName=described.name,
        ChangeSetId=described.change_set_id,
        StackId=described.stack.stack_id,
        StackName=described.stack.name,
        Description=described.description,
        Parameters=_parameters(described.wanted.parameters),
        CreationTime=described.created_at,
        ExecutionStatus=described.execution_status,
        Status=described.status,
        StatusReason=described.reason,
        NotificationARNs=list(described.wanted.notification_arns),
        RollbackConfiguration={},
        Capabilities=list(described.wanted.capabilities),
        Tags=_tags(described.wanted.tags),
        Changes=changes,
        IncludeNestedStacks=False,
    )


def exports(exported: Exports) -> list[dict[str, str]]:
    return [{"ExportingStackId": owner.stack_id, "Name": name, "Value": value} for name, owner, value in exported.all()]


def summary(template: Template) -> dict[str, Any]:
    """GetTemplateSummary."""
    parameters = [
        _present(
            ParameterKey=name,
            DefaultValue=about.get("Default"),
            ParameterType=about.get("Type", "String"),
            NoEcho=bool(about.get("NoEcho", False)),
            Description=about.get("Description"),
            ParameterConstraints=_present(AllowedValues=about.get("AllowedValues")),
        )
        for name, about in template.section("Parameters").items()
    ]
    types = sorted({declared.get("Type", "") for declared in template.resources.values()})
    identifiers = [
        {"ResourceType": kind, "LogicalResourceIds": _of_kind(template, kind), "ResourceIdentifiers": []}
        for kind in types
    ]
    return _present(
        Parameters=parameters,
        Description=template.description,
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"] if any("::IAM::" in kind for kind in types) else [],
        ResourceTypes=types,
        ResourceIdentifierSummaries=identifiers,
        Version=template.document.get("AWSTemplateFormatVersion"),
    )


def validation(template: Template) -> dict[str, Any]:
    """ValidateTemplate."""
    described = summary(template)
    parameters = [
        {name: each[name] for name in ("ParameterKey", "DefaultValue", "NoEcho", "Description") if name in each}
        for each in described["Parameters"]
    ]
    return _present(Parameters=parameters, Description=template.description, Capabilities=described["Capabilities"])


def _of_kind(template: Template, kind: str) -> list[str]:
    return [name for name, declared in template.resources.items() if declared.get("Type") == kind]


def _parameters(values: Any) -> list[dict[str, str]]:
    return [
        {"ParameterKey": name, "ParameterValue": ",".join(value) if isinstance(value, list) else str(value)}
        for name, value in values.items()
    ]


def _tags(tags: Any) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _present(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
