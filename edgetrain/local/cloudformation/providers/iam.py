"""Roles and the policies that are put on them."""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from edgetrain.local.cloudformation.providers.base import ServiceProvider, chosen, unless_gone
from edgetrain.local.cloudformation.resources import Declared, Made, Resource

GONE = ("NoSuchEntity",)


class RoleProvider(ServiceProvider):
    """`AWS::IAM::Role`."""

    kind = "AWS::IAM::Role"
    service = "iam"
    named_by = "RoleName"
    immutable = frozenset({"RoleName", "Path"})
    properties = frozenset(
        {
            *("RoleName", "AssumeRolePolicyDocument", "Policies", "ManagedPolicyArns", "Description", "Path"),
            *("MaxSessionDuration", "PermissionsBoundary", "Tags"),
        }
    )

    def create(self, declared: Declared) -> Made:
        wanted = declared.properties
        name = wanted.get("RoleName", declared.name)
        role = self.client.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps(wanted["AssumeRolePolicyDocument"]),
            **chosen(wanted, "Path", "Description", "MaxSessionDuration", "PermissionsBoundary", "Tags"),
        )["Role"]
        self._policies(name, wanted, {})
        return Made(name, {"Arn": role["Arn"], "RoleId": role["RoleId"]})

    def update(self, standing: Resource, declared: Declared) -> Made:
        wanted, before, name = declared.properties, standing.properties, standing.physical_id
        trust = wanted["AssumeRolePolicyDocument"]
        if trust != before["AssumeRolePolicyDocument"]:
            self.client.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))
        if settings := chosen(wanted, "Description", "MaxSessionDuration"):
            self.client.update_role(RoleName=name, **settings)
        if wanted.get("PermissionsBoundary") != before.get("PermissionsBoundary"):
            if "PermissionsBoundary" in wanted:
                self.client.put_role_permissions_boundary(
                    RoleName=name, PermissionsBoundary=wanted["PermissionsBoundary"]
                )
            else:
                self.client.delete_role_permissions_boundary(RoleName=name)
        if wanted.get("Tags", []) != before.get("Tags", []):
            if gone := sorted({t["Key"] for t in before.get("Tags", [])} - {t["Key"] for t in wanted.get("Tags", [])}):
                self.client.untag_role(RoleName=name, TagKeys=gone)
            self.client.tag_role(RoleName=name, Tags=wanted.get("Tags", []))
        self._policies(name, wanted, before)
        return Made(name, standing.attributes)

    def delete(self, standing: Resource) -> None:
        name = standing.physical_id
        unless_gone(lambda: self._policies(name, {}, standing.properties), GONE)
        unless_gone(lambda: self.client.delete_role(RoleName=name), GONE)

    def _policies(self, name: str, wanted: Mapping[str, Any], before: Mapping[str, Any]) -> None:
        new = {policy["PolicyName"]: policy["PolicyDocument"] for policy in wanted.get("Policies", [])}
        old = {policy["PolicyName"]: policy["PolicyDocument"] for policy in before.get("Policies", [])}
        for policy in old.keys() - new.keys():
            unless_gone(partial(self.client.delete_role_policy, RoleName=name, PolicyName=policy), GONE)
        for policy, document in new.items():
            if old.get(policy) != document:
                self.client.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(document))
        attached, detached = set(wanted.get("ManagedPolicyArns", [])), set(before.get("ManagedPolicyArns", []))
        for arn in sorted(detached - attached):
            unless_gone(partial(self.client.detach_role_policy, RoleName=name, PolicyArn=arn), GONE)
        for arn in sorted(attached - detached):
            self.client.attach_role_policy(RoleName=name, PolicyArn=arn)


class PolicyProvider(ServiceProvider):
    """`AWS::IAM::Policy`: a document that is put on roles, users and groups."""

    kind = "AWS::IAM::Policy"
    service = "iam"
    named_by = "PolicyName"
    properties = frozenset({"PolicyName", "PolicyDocument", "Roles", "Users", "Groups"})

    def create(self, declared: Declared) -> Made:
        wanted = declared.properties
        for kind, names in _holders(wanted).items():
            for name in names:
                self._call(
                    f"put_{kind}_policy", kind, name, wanted, PolicyDocument=json.dumps(wanted["PolicyDocument"])
                )
        return Made(declared.name)

    def update(self, standing: Resource, declared: Declared) -> Made:
        self.create(declared)
        renamed = standing.properties["PolicyName"] != declared.properties["PolicyName"]
        now = _holders(declared.properties)
        gone = {kind: names if renamed else names - now[kind] for kind, names in _holders(standing.properties).items()}
        self._remove(standing.properties, gone)
        return Made(standing.physical_id)

    def delete(self, standing: Resource) -> None:
        self._remove(standing.properties, _holders(standing.properties))

    def _remove(self, properties: Mapping[str, Any], holders: Mapping[str, set[str]]) -> None:
        for kind, names in holders.items():
            for name in names:
                unless_gone(partial(self._call, f"delete_{kind}_policy", kind, name, properties), GONE)

    def _call(self, operation: str, kind: str, name: str, properties: Mapping[str, Any], **more: str) -> None:
        names = {f"{kind.capitalize()}Name": name, "PolicyName": properties["PolicyName"]}
        getattr(self.client, operation)(**names, **more)


def _holders(properties: Mapping[str, Any]) -> dict[str, set[str]]:
    return {kind: set(properties.get(f"{kind.capitalize()}s", [])) for kind in ("role", "user", "group")}
