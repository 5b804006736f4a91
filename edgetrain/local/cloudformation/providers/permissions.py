"""Who may invoke a Lambda function."""

from edgetrain.local.cloudformation.providers.base import ReplacedProvider, chosen, unless_gone
from edgetrain.local.cloudformation.resources import Declared, Made, Resource


class PermissionProvider(ReplacedProvider):
    """`AWS::Lambda::Permission`: a statement of a function's policy. Any change makes another one."""

    kind = "AWS::Lambda::Permission"
    service = "lambda"
    properties = frozenset({"FunctionName", "Action", "Principal", "SourceArn", "SourceAccount", "PrincipalOrgID"})
    immutable = properties

    def create(self, declared: Declared) -> Made:
        wanted = declared.properties
        self.client.add_permission(StatementId=declared.name, **chosen(wanted, *self.properties))
        return Made(declared.name, {"Id": declared.name})

    def delete(self, standing: Resource) -> None:
        function, statement = standing.properties["FunctionName"], standing.physical_id
        unless_gone(
            lambda: self.client.remove_permission(FunctionName=function, StatementId=statement),
            ["ResourceNotFoundException"],
        )
