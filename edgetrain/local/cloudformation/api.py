"""CloudFormation's API: the query protocol in front of the stacks."""

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from moto.core.parse import QueryParser
from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model
from werkzeug.datastructures import MultiDict

from edgetrain.local.cloudformation import views
from edgetrain.local.cloudformation.errors import StackError, invalid
from edgetrain.local.cloudformation.names import Incarnations
from edgetrain.local.cloudformation.operations import Stacks
from edgetrain.local.cloudformation.providers import Providers
from edgetrain.local.cloudformation.resources import Provider
from edgetrain.local.cloudformation.stack import Stack, Wanted
from edgetrain.local.cloudformation.template import Template
from edgetrain.local.loopback import Loopback
from edgetrain.local.wsgi import Reply, Request

XML: Final = "text/xml"
#: Operations that change nothing: they do not wait for one that does.
READS: Final = ("Describe", "List", "Get", "Validate")
Params = Mapping[str, Any]


class CloudFormationApi:
    """Answers requests to CloudFormation. An operation is done when its request is answered."""

    def __init__(
        self,
        clients: Loopback,
        incarnations: Incarnations,
        read_object: Callable[[str, str], bytes],
        localise: Callable[[Any], Any],
        providers: Iterable[Provider] = (),
    ) -> None:
        """`localise` is told every resource's properties and every output's value, and says what they are here.

        `providers` are those that need more of the cloud than its clients.
        """
        self.stacks = Stacks(Providers(clients, providers), incarnations, self._parameter, localise)
        self._clients = clients
        self._read_object = read_object
        self._lock = threading.RLock()
        self._operations: dict[str, Callable[[Params], dict[str, Any]]] = {
            "CreateStack": self._create_stack,
            "UpdateStack": self._update_stack,
            "DeleteStack": self._delete_stack,
            "DescribeStacks": self._describe_stacks,
            "ListStacks": self._list_stacks,
            "DescribeStackEvents": lambda p: {"StackEvents": views.events(self.stacks.get(p["StackName"]))},
            "DescribeStackResources": self._describe_resources,
            "DescribeStackResource": self._describe_resource,
            "ListStackResources": self._list_resources,
            "GetTemplate": self._get_template,
            "GetTemplateSummary": lambda p: views.summary(self._template(p)),
            "ValidateTemplate": lambda p: views.validation(self._template(p)),
            "UpdateTerminationProtection": self._protect,
            "CreateChangeSet": self._create_change_set,
            "DescribeChangeSet": lambda p: views.change_set(self._change_set(p)),
            "ExecuteChangeSet": self._execute_change_set,
            "DeleteChangeSet": self._delete_change_set,
            "ListChangeSets": self._list_change_sets,
            "ListExports": lambda _: {"Exports": views.exports(self.stacks.exports)},
            "ListImports": self._list_imports,
        }

    def answer(self, request: Request) -> Reply:
        form = MultiDict([*parse_qsl(request.body().decode(), keep_blank_values=True), *request.query.items()])
        action = form.get("Action", "")
        model = get_service_model("cloudformation")
        operation = self._operations.get(action)
        if operation is None:
            action = action if action in model.operation_names else "DescribeStacks"
        operation_model = model.operation_model(action)
        try:
            if operation is None:
                raise StackError("InvalidAction", f"The embedded cloud's CloudFormation has no {form.get('Action')}")
            parsed = QueryParser(operation_model).parse({"values": form})
            result: Any = self._do(action, operation, parsed)
        except StackError as error:
            result = error
        serializer = get_serializer_class("cloudformation", "query")(operation_model)
        answer = serializer.serialize(result)
        return Reply.of(int(answer["status_code"]), str(answer["body"]).encode(), XML)

    def _do(self, action: str, operation: Callable[[Params], dict[str, Any]], params: Params) -> dict[str, Any]:
        if action.startswith(READS):
            return operation(params)
        with self._lock:
            return operation(params)

    # --- what a request says

    def _parameter(self, name: str) -> str:
        """A parameter of Systems Manager."""
        ssm = self._clients.client("ssm")
        try:
            return str(ssm.get_parameter(Name=name)["Parameter"]["Value"])
        except ssm.exceptions.ParameterNotFound:
            raise invalid(f"Unable to fetch parameters [{name}] from parameter store for this account.") from None

    def _template(self, params: Params) -> Template:
        if body := params.get("TemplateBody"):
            return Template.parse(body)
        if url := params.get("TemplateURL"):
            return Template.parse(self._download(url))
        if params.get("UsePreviousTemplate") or "StackName" in params:
            wanted = self.stacks.get(params["StackName"]).wanted
            if wanted is not None:
                return wanted.template
        raise invalid("Either Template URL or Template Body must be specified.")

    def _download(self, url: str) -> str:
        parts = urlsplit(url)
        host, path = parts.hostname or "", unquote(parts.path).lstrip("/")
        bucket = host.split(".s3", 1)[0] if ".s3" in host else ""
        if not bucket:
            bucket, _, path = path.partition("/")
        try:
            return self._read_object(bucket, path).decode()
        except Exception as error:
            raise invalid(
                f"TemplateURL must reference a valid S3 object to which you have access: {url} ({error})"
            ) from error

    def _wanted(self, params: Params, previous: Stack | None = None) -> Wanted:
        before = previous.wanted if previous is not None else None
        given = {}
        for each in params.get("Parameters", []):
            key = each["ParameterKey"]
            if each.get("UsePreviousValue"):
                if before is None:
                    raise invalid(f"Parameter {key} has no previous value")
                if key in before.parameters:
                    given[key] = before.parameters[key]
            else:
                given[key] = each.get("ParameterValue", "")
        tags = {tag["Key"]: tag["Value"] for tag in params.get("Tags", [])}
        return Wanted(
            template=self._template(params),
            parameters=given,
            tags=tags if "Tags" in params or before is None else before.tags,
            role_arn=params.get("RoleARN") or (before.role_arn if before is not None else None),
            capabilities=tuple(params.get("Capabilities", [])),
            notification_arns=tuple(params.get("NotificationARNs", [])),
        )

    # --- stacks

    def _create_stack(self, params: Params) -> dict[str, Any]:
        on_failure = "DO_NOTHING" if params.get("DisableRollback") else params.get("OnFailure", "ROLLBACK")
        stack = self.stacks.create(
            params["StackName"],
            self._wanted(params),
            on_failure=on_failure,
            is_protected=bool(params.get("EnableTerminationProtection")),
        )
        return {"StackId": stack.stack_id}

    def _update_stack(self, params: Params) -> dict[str, Any]:
        stack = self.stacks.get(params["StackName"])
        wanted = self._wanted(params, stack)
        self.stacks.update(params["StackName"], wanted, disables_rollback=bool(params.get("DisableRollback")))
        return {"StackId": stack.stack_id}

    def _delete_stack(self, params: Params) -> dict[str, Any]:
        self.stacks.delete(params["StackName"], retained=params.get("RetainResources", []))
        return {}

    def _protect(self, params: Params) -> dict[str, Any]:
        stack = self.stacks.get(params["StackName"])
        stack.is_protected = bool(params["EnableTerminationProtection"])
        return {"StackId": stack.stack_id}

    def _describe_stacks(self, params: Params) -> dict[str, Any]:
        if name := params.get("StackName"):
            return {"Stacks": [views.stack(self.stacks.get(name))]}
        return {"Stacks": [views.stack(each) for each in self.stacks.all() if not each.is_deleted]}

    def _list_stacks(self, params: Params) -> dict[str, Any]:
        wanted = params.get("StackStatusFilter")
        listed = [each for each in self.stacks.all() if not wanted or each.status in wanted]
        return {"StackSummaries": [views.stack(each) for each in listed]}

    def _describe_resources(self, params: Params) -> dict[str, Any]:
        stack = self.stacks.get(params["StackName"])
        only = params.get("LogicalResourceId")
        found = [each for each in stack.resources.values() if only in {None, each.logical_id}]
        return {"StackResources": [views.resource(stack, each) for each in found]}

    def _describe_resource(self, params: Params) -> dict[str, Any]:
        stack = self.stacks.get(params["StackName"])
        found = stack.resources.get(params["LogicalResourceId"])
        if found is None:
            raise invalid(f"Resource {params['LogicalResourceId']} does not exist for stack {stack.name}")
        return {"StackResourceDetail": views.resource(stack, found)}

    def _list_resources(self, params: Params) -> dict[str, Any]:
        stack = self.stacks.get(params["StackName"])
        return {"StackResourceSummaries": [views.resource(stack, each) for each in stack.resources.values()]}

    def _get_template(self, params: Params) -> dict[str, Any]:
        if "ChangeSetName" in params:
            return {"TemplateBody": self._change_set(params).wanted.template.body}
        wanted = self.stacks.get(params["StackName"]).wanted
        return {
            "TemplateBody": "{}" if wanted is None else wanted.template.body,
            "StagesAvailable": ["Original", "Processed"],
        }

    # --- change sets, exports

    def _create_change_set(self, params: Params) -> dict[str, Any]:
        stack = self.stacks.find(params["StackName"])
        made = self.stacks.create_change_set(
            params["ChangeSetName"],
            params["StackName"],
            self._wanted(params, stack),
            kind=params.get("ChangeSetType", "UPDATE"),
            description=params.get("Description"),
        )
        return {"Id": made.change_set_id, "StackId": made.stack.stack_id}

    def _change_set(self, params: Params) -> Any:
        return self.stacks.change_set(params["ChangeSetName"], params.get("StackName"))

    def _execute_change_set(self, params: Params) -> dict[str, Any]:
        on_failure = "DO_NOTHING" if params.get("DisableRollback") else "ROLLBACK"
        self.stacks.execute(self._change_set(params), on_failure=on_failure)
        return {}

    def _delete_change_set(self, params: Params) -> dict[str, Any]:
        """One that is not there is deleted already, as on AWS."""
        found = self.stacks.find_change_set(params["ChangeSetName"], params.get("StackName"))
        if found is not None:
            del self.stacks.change_sets[found.change_set_id]
        return {}

    def _list_change_sets(self, params: Params) -> dict[str, Any]:
        stack = self.stacks.get(params["StackName"])
        found = [each for each in self.stacks.change_sets.values() if each.stack is stack]
        return {"Summaries": [views.change_set(each) for each in found]}

    def _list_imports(self, params: Params) -> dict[str, Any]:
        name = params["ExportName"]
        users = [each.name for each in self.stacks.all() if name in each.imports and not each.is_deleted]
        if not users:
            raise invalid(f"Export '{name}' is not imported by any stack.")
        return {"Imports": users}
