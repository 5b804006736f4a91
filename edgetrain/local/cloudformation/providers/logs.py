"""Log groups."""

from edgetrain.local.cloudformation.providers.base import ServiceProvider, flat_tags, unless_gone
from edgetrain.local.cloudformation.resources import Declared, Made, Resource
from edgetrain.local.place import ACCOUNT, REGION


class LogGroupProvider(ServiceProvider):
    """`AWS::Logs::LogGroup`."""

    kind = "AWS::Logs::LogGroup"
    service = "logs"
    named_by = "LogGroupName"
    immutable = frozenset({"LogGroupName"})
    properties = frozenset({"LogGroupName", "RetentionInDays", "Tags"})

    def create(self, declared: Declared) -> Made:
        name = declared.properties.get("LogGroupName", declared.name)
        tags = flat_tags(declared.properties)
        self.client.create_log_group(logGroupName=name, **({"tags": tags} if tags else {}))
        self._retain(name, declared)
        return Made(name, {"Arn": f"{_arn(name)}:*"})

    def update(self, standing: Resource, declared: Declared) -> Made:
        name = standing.physical_id
        self._retain(name, declared)
        tags, before = flat_tags(declared.properties), flat_tags(standing.properties)
        if gone := sorted(before.keys() - tags.keys()):
            self.client.untag_resource(resourceArn=_arn(name), tagKeys=gone)
        if tags != before and tags:
            self.client.tag_resource(resourceArn=_arn(name), tags=tags)
        return Made(name, standing.attributes)

    def delete(self, standing: Resource) -> None:
        gone = ["ResourceNotFoundException"]
        unless_gone(lambda: self.client.delete_log_group(logGroupName=standing.physical_id), gone)

    def _retain(self, name: str, declared: Declared) -> None:
        days = declared.properties.get("RetentionInDays")
        if days is None:
            self.client.delete_retention_policy(logGroupName=name)
        else:
            self.client.put_retention_policy(logGroupName=name, retentionInDays=int(days))


def _arn(name: str) -> str:
    return f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}"
