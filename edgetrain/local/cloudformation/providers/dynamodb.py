"""Tables."""

from typing import Any

from edgetrain.local.cloudformation.providers.base import ServiceProvider, chosen, unless_gone
from edgetrain.local.cloudformation.resources import Declared, Made, Resource


class TableProvider(ServiceProvider):
    """`AWS::DynamoDB::Table`."""

    kind = "AWS::DynamoDB::Table"
    service = "dynamodb"
    named_by = "TableName"
    immutable = frozenset({"TableName", "KeySchema", "LocalSecondaryIndexes"})
    properties = frozenset(
        {
            *("TableName", "AttributeDefinitions", "KeySchema", "BillingMode", "ProvisionedThroughput", "Tags"),
            *("GlobalSecondaryIndexes", "LocalSecondaryIndexes", "StreamSpecification", "SSESpecification"),
            *("DeletionProtectionEnabled", "PointInTimeRecoverySpecification", "TimeToLiveSpecification", "TableClass"),
        }
    )

    def create(self, declared: Declared) -> Made:
        wanted = declared.properties
        request = chosen(
            wanted,
            *("AttributeDefinitions", "KeySchema", "ProvisionedThroughput", "GlobalSecondaryIndexes", "Tags"),
            *("LocalSecondaryIndexes", "DeletionProtectionEnabled", "TableClass"),
        )
        request["BillingMode"] = wanted.get("BillingMode", "PROVISIONED")
        if "StreamSpecification" in wanted:
            request["StreamSpecification"] = {"StreamEnabled": True, **wanted["StreamSpecification"]}
        if "SSESpecification" in wanted:
            request["SSESpecification"] = {
                "Enabled" if name == "SSEEnabled" else name: value for name, value in wanted["SSESpecification"].items()
            }
        name = wanted.get("TableName", declared.name)
        table = self.client.create_table(TableName=name, **request)["TableDescription"]
        self._settings(name, wanted, {})
        return self._made(table)

    def update(self, standing: Resource, declared: Declared) -> Made:
        wanted, before = declared.properties, standing.properties
        changed = {name for name in {*wanted, *before} if wanted.get(name) != before.get(name)}
        settings = {"PointInTimeRecoverySpecification", "TimeToLiveSpecification"}
        direct = {"BillingMode", "ProvisionedThroughput", "DeletionProtectionEnabled", "StreamSpecification"}
        if unsupported := changed - settings - direct - {"Tags"}:
            raise ValueError(f"the embedded cloud cannot change {', '.join(sorted(unsupported))} of a table")
        name = standing.physical_id
        if changed & direct:
            request = chosen(wanted, *(changed & direct))
            if "StreamSpecification" in request:
                request["StreamSpecification"] = {"StreamEnabled": True, **request["StreamSpecification"]}
            self.client.update_table(TableName=name, **request)
        table = self.client.describe_table(TableName=name)["Table"]
        if "Tags" in changed:
            self._retag(table["TableArn"], wanted.get("Tags", []), before.get("Tags", []))
        self._settings(name, wanted, before)
        return self._made(table)

    def delete(self, standing: Resource) -> None:
        unless_gone(lambda: self.client.delete_table(TableName=standing.physical_id), ["ResourceNotFoundException"])

    def _settings(self, name: str, wanted: Any, before: Any) -> None:
        recovery = wanted.get("PointInTimeRecoverySpecification", {"PointInTimeRecoveryEnabled": False})
        if recovery != before.get("PointInTimeRecoverySpecification", {"PointInTimeRecoveryEnabled": False}):
            self.client.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=recovery)
        expiry = wanted.get("TimeToLiveSpecification")
        if expiry is not None and expiry != before.get("TimeToLiveSpecification"):
            self.client.update_time_to_live(TableName=name, TimeToLiveSpecification=expiry)

    def _retag(self, arn: str, wanted: list[dict[str, str]], before: list[dict[str, str]]) -> None:
        gone = {tag["Key"] for tag in before} - {tag["Key"] for tag in wanted}
        if gone:
            self.client.untag_resource(ResourceArn=arn, TagKeys=sorted(gone))
        if wanted:
            self.client.tag_resource(ResourceArn=arn, Tags=wanted)

    def _made(self, table: Any) -> Made:
        attributes = {"Arn": table["TableArn"]}
        if "LatestStreamArn" in table:
            attributes["StreamArn"] = table["LatestStreamArn"]
        return Made(table["TableName"], attributes)
