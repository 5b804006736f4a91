"""Creating, updating and deleting stacks: whole, or back to how it was."""

import uuid
from collections.abc import Callable, Iterable
from typing import Any

from edgetrain.local.cloudformation.errors import ResourceFailed, StackError, invalid, no_such_stack
from edgetrain.local.cloudformation.names import Incarnations, stack_id
from edgetrain.local.cloudformation.providers import Providers
from edgetrain.local.cloudformation.rollout import Rollout, delete_resource
from edgetrain.local.cloudformation.stack import ChangeSet, Exports, Stack, Wanted, changes_of
from edgetrain.local.place import ACCOUNT, PARTITION, REGION

NO_UPDATES = "No updates are to be performed."
NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."
#: From these a stack can be updated.
UPDATABLE = frozenset(
    {
        *("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "CREATE_FAILED", "UPDATE_FAILED"),
        *("IMPORT_COMPLETE",),
    }
)


class Stacks:
    """All stacks. Not for two threads at once: CloudFormation's API has the lock."""

    def __init__(
        self,
        providers: Providers,
        incarnations: Incarnations,
        find_parameter: Callable[[str], str],
        localise: Callable[[Any], Any],
    ) -> None:
        self.exports = Exports()
        self.change_sets: dict[str, ChangeSet] = {}
        self._stacks: dict[str, Stack] = {}
        self._providers = providers
        self._incarnations = incarnations
        self._find_parameter = find_parameter
        self._localise = localise

    # --- finding

    def all(self) -> list[Stack]:
        """All stacks, deleted ones included, the youngest first."""
        return list(reversed(self._stacks.values()))

    def find(self, name: str) -> Stack | None:
        """A stack by its name, if it is not deleted, or by its id."""
        if name in self._stacks:
            return self._stacks[name]
        return next((each for each in self.all() if each.name == name and not each.is_deleted), None)

    def get(self, name: str) -> Stack:
        """As `find`; raises `StackError` where there is none."""
        stack = self.find(name)
        if stack is None:
            raise no_such_stack(name)
        return stack

    # --- creating, updating, deleting

    def create(self, name: str, wanted: Wanted, *, on_failure: str = "ROLLBACK", is_protected: bool = False) -> Stack:
        """Make a stack; what goes wrong with its resources is in its status and events.

        Raises:
            StackError: there is a stack of that name, or its template is wrong.
        """
        if self.find(name) is not None:
            raise StackError("AlreadyExistsException", f"Stack [{name}] already exists")
        stack = self._new(name, is_protected=is_protected)
        rollout = self._rollout(stack, wanted)
        self._stacks[stack.stack_id] = stack
        self._create(stack, wanted, rollout, on_failure)
        return stack

    def _new(self, name: str, *, is_protected: bool = False) -> Stack:
        return Stack(stack_id=stack_id(name, self._incarnations.current(name)), name=name, is_protected=is_protected)

    def _rollout(self, stack: Stack, wanted: Wanted) -> Rollout:
        return Rollout(
            stack, wanted, self._providers, self.exports, self._find_parameter, self._output_of, self._localise
        )

    def _output_of(self, stack: str, key: str) -> str:
        """An output of a stack that stands, for `Fn::GetStackOutput`."""
        value = next((each.value for each in self.get(stack).outputs if each.key == key), None)
        if value is None:
            raise invalid(f"Output {key} not found in stack {stack}.")
        return value

    def _create(self, stack: Stack, wanted: Wanted, rollout: Rollout, on_failure: str) -> None:
        stack.wanted = wanted
        stack.disables_rollback = on_failure == "DO_NOTHING"
        stack.enter("CREATE_IN_PROGRESS", "User Initiated")
        try:
            rollout.run()
        except ResourceFailed as error:
            if on_failure == "DO_NOTHING":
                stack.enter("CREATE_FAILED", f"The following resource(s) failed to create: [{error.logical_id}].")
                return
            stack.enter(
                "ROLLBACK_IN_PROGRESS",
                f"The following resource(s) failed to create: [{error.logical_id}]. Rollback requested by user.",
            )
            failed = self._delete_resources(stack, never_stood=True)
            stack.enter("ROLLBACK_FAILED" if failed else "ROLLBACK_COMPLETE", failed)
            if on_failure == "DELETE" and not failed:
                self._end(stack)
            return
        stack.enter("CREATE_COMPLETE")

    def update(self, name: str, wanted: Wanted, *, disables_rollback: bool = False) -> Stack:
        """Change a stack.

        Raises:
            StackError: there is none, it cannot be updated, its template is wrong, or nothing would change.
        """
        stack = self.get(name)
        if stack.status not in UPDATABLE or stack.wanted is None:
            raise invalid(f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated.")
        rollout = self._rollout(stack, wanted)
        if not self._differs(stack, wanted, rollout):
            raise invalid(NO_UPDATES)
        self._update(stack, wanted, rollout, disables_rollback=disables_rollback)
        return stack

    @staticmethod
    def _differs(stack: Stack, wanted: Wanted, rollout: Rollout) -> bool:
        before = stack.wanted
        return (
            before is None
            or before.template.document != wanted.template.document
            or stack.resolved_parameters != rollout.parameters
            or dict(before.tags) != dict(wanted.tags)
        )

    def _update(self, stack: Stack, wanted: Wanted, rollout: Rollout, *, disables_rollback: bool) -> None:
        before, standing = stack.wanted, dict(stack.resources)
        stack.enter("UPDATE_IN_PROGRESS", "User Initiated")
        try:
            rollout.run()
        except ResourceFailed as error:
            reason = f"The following resource(s) failed to update: [{error.logical_id}]."
            if disables_rollback or before is None:
                stack.enter("UPDATE_FAILED", reason)
                return
            stack.enter("UPDATE_ROLLBACK_IN_PROGRESS", reason)
            self._roll_back(stack, before, standing)
            return
        stack.wanted = wanted
        self._touch(stack)
        stack.enter("UPDATE_COMPLETE")

    def _roll_back(self, stack: Stack, before: Wanted, standing: dict) -> None:  # type: ignore[type-arg]
        """Bring the resources back to the last template that worked."""
        try:
            for logical_id, old in standing.items():
                new = stack.resources.get(logical_id)
                if new is not None and new.physical_id != old.physical_id:  # replaced: the old one still stands
                    delete_resource(stack, new, "Delete", self._providers)
                    stack.resources[logical_id] = old
            self._rollout(stack, before).run()
        except (ResourceFailed, StackError) as error:
            stack.enter("UPDATE_ROLLBACK_FAILED", str(error))
            return
        self._touch(stack)
        stack.enter("UPDATE_ROLLBACK_COMPLETE")

    @staticmethod
    def _touch(stack: Stack) -> None:
        stack.updated_at = stack.events[-1].timestamp

    def delete(self, name: str, *, retained: Iterable[str] = ()) -> None:
        """Delete a stack and those of its resources that are not to be kept; of one that is not there, nothing.

        Raises:
            StackError: it is protected.
        """
        stack = self.find(name)
        if stack is None or stack.is_deleted:
            return
        if stack.is_protected:
            raise invalid(f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled")
        if users := self._users(stack):
            stack.enter("DELETE_FAILED", users)
            return
        stack.enter("DELETE_IN_PROGRESS", "User Initiated")
        if failed := self._delete_resources(stack, frozenset(retained)):
            stack.enter("DELETE_FAILED", failed)
            return
        self._end(stack)

    def _users(self, stack: Stack) -> str | None:
        """Who reads the stack's exports, as a reason not to delete it."""
        for output in stack.outputs:
            for other in self.all():
                if other is not stack and not other.is_deleted and output.export in other.imports:
                    return f"Cannot delete export {output.export} as it is in use by {other.name}."
        return None

    def _delete_resources(
        self, stack: Stack, retained: frozenset[str] = frozenset(), *, never_stood: bool = False
    ) -> str | None:
        """The youngest first; what could not be deleted, as a reason. `never_stood`: the stack's creation is taken back."""
        failed = []
        for resource in reversed(list(stack.resources.values())):
            policy = "Retain" if resource.logical_id in retained else resource.deletion_policy
            if never_stood and policy == "RetainExceptOnCreate":
                policy = "Delete"
            try:
                delete_resource(stack, resource, policy, self._providers)
            except ResourceFailed as error:
                failed.append(error.logical_id)
            else:
                del stack.resources[resource.logical_id]
        return f"The following resource(s) failed to delete: [{', '.join(failed)}]." if failed else None

    def _end(self, stack: Stack) -> None:
        self.exports.replace(stack, [])
        self._incarnations.end(stack.name)
        stack.imports = set()
        stack.enter("DELETE_COMPLETE")
        stack.deleted_at = stack.events[-1].timestamp

    # --- change sets

    def create_change_set(
        self, name: str, stack_name: str, wanted: Wanted, *, kind: str, description: str | None
    ) -> ChangeSet:
        """Say what would change.

        Raises:
            StackError: the stack is not there, or is, or its template is wrong.
        """
        stack = self.find(stack_name)
        if kind == "CREATE" and (stack is None or stack.status == "REVIEW_IN_PROGRESS"):
            if stack is None:
                stack = self._new(stack_name)
                self._stacks[stack.stack_id] = stack
                stack.enter("REVIEW_IN_PROGRESS", "User Initiated")
        elif kind == "CREATE":
            raise invalid(
                f"Stack [{stack_name}] already exists and cannot be created again with the changeSet [{name}]."
            )
        elif stack is None:
            raise no_such_stack(stack_name)
        rollout = self._rollout(stack, wanted)
        is_empty = kind == "UPDATE" and not self._differs(stack, wanted, rollout)
        identity = f"arn:{PARTITION}:cloudformation:{REGION}:{ACCOUNT}:changeSet/{name}/{uuid.uuid4()}"
        change_set = ChangeSet(
            change_set_id=identity,
            name=name,
            stack=stack,
            kind=kind,
            wanted=wanted,
            changes=[] if is_empty else list(changes_of(stack, wanted)),
            status="FAILED" if is_empty else "CREATE_COMPLETE",
            execution_status="UNAVAILABLE" if is_empty else "AVAILABLE",
            reason=NO_CHANGES if is_empty else None,
            description=description,
        )
        self.change_sets[identity] = change_set
        return change_set

    def find_change_set(self, name: str, stack_name: str | None) -> ChangeSet | None:
        """A change set by its id, or by its name and its stack's; None where there is none."""
        if name in self.change_sets:
            return self.change_sets[name]
        named = (each for each in reversed(self.change_sets.values()) if each.name == name)
        return next((each for each in named if stack_name in {each.stack.name, each.stack.stack_id}), None)

    def change_set(self, name: str, stack_name: str | None) -> ChangeSet:
        """As `find_change_set`; raises `StackError` where there is none."""
        found = self.find_change_set(name, stack_name)
        if found is None:
            raise StackError("ChangeSetNotFound", f"ChangeSet [{name}] does not exist")
        return found

    def execute(self, change_set: ChangeSet, *, on_failure: str = "ROLLBACK") -> None:
        """Make the change.

        Raises:
            StackError: it cannot be made (any more).
        """
        if change_set.execution_status != "AVAILABLE":
            raise StackError(
                "InvalidChangeSetStatus",
                f"ChangeSet [{change_set.change_set_id}] cannot be executed in its current status of [{change_set.status}]",
            )
        stack = change_set.stack
        rollout = self._rollout(stack, change_set.wanted)
        change_set.execution_status = "EXECUTE_IN_PROGRESS"
        stack.change_set_id = change_set.change_set_id
        if change_set.kind == "CREATE":
            self._create(stack, change_set.wanted, rollout, on_failure)
        else:
            self._update(stack, change_set.wanted, rollout, disables_rollback=on_failure == "DO_NOTHING")
        change_set.execution_status = "EXECUTE_COMPLETE"
