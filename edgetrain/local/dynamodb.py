"""DynamoDB: moto's tables behind one lock, and transactions that touch nothing but their own items."""

import copy
import importlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from moto.dynamodb.comparisons import get_filter_expression
from moto.dynamodb.exceptions import (
    ConditionalCheckFailed,
    MockValidationException,
    MultipleTransactionsException,
    TooManyTransactionsException,
    TransactionCanceledException,
    TransactWriteSingleOpException,
)
from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType

from edgetrain.local.place import ACCOUNT, REGION
from edgetrain.local.wsgi import Application, Reply, Request, call

MOST_ACTIONS: Final = 100
Failure = tuple[str | None, str | None, Mapping[str, Any] | None]


@dataclass(frozen=True)
class Action:
    """One of a transaction's actions."""

    kind: str
    request: Mapping[str, Any]
    table: Any
    key: Mapping[str, Any]

    @property
    def expressions(self) -> dict[str, Any]:
        return {
            "expression_attribute_names": self.request.get("ExpressionAttributeNames"),
            "expression_attribute_values": self.request.get("ExpressionAttributeValues"),
        }


class TransactingBackend(DynamoDBBackend):  # type: ignore[misc] # moto is untyped
    """moto's back end with its own TransactWriteItems.

    moto's copies whole tables before each transaction; this one checks every condition first, then writes, and puts back the
    items that it wrote when a write fails.
    """

    @property
    def _url_module(self) -> Any:
        return importlib.import_module("moto.dynamodb.urls")

    def transact_write_items(self, transact_items: list[dict[str, Any]]) -> None:
        """See DynamoDB's TransactWriteItems; the caller holds the lock."""
        if len(transact_items) > MOST_ACTIONS:
            raise TooManyTransactionsException
        actions = [self._action(item) for item in transact_items]
        named = {(action.table.name, repr(sorted(action.key.items()))) for action in actions}
        if len(named) != len(actions):
            raise MultipleTransactionsException
        failures = [self._check(action) for action in actions]
        if not any(code for code, _, _ in failures):
            failures = self._apply(actions)
        if any(code for code, _, _ in failures):
            raise TransactionCanceledException(failures)

    def _action(self, item: dict[str, Any]) -> Action:
        if len(item) != 1:
            raise TransactWriteSingleOpException
        kind, request = next(iter(item.items()))
        if kind not in {"ConditionCheck", "Put", "Delete", "Update"}:
            raise MockValidationException(f"Unsupported transaction operation {kind}")
        table = self.get_table(request["TableName"])
        if kind != "Put":
            return Action(kind, request, table, request["Key"])
        names = [name for name in (table.hash_key_attr, table.range_key_attr) if name]
        for name in names:
            if name not in request["Item"]:
                raise MockValidationException(
                    f"One or more parameter values were invalid: Missing the key {name} in the item"
                )
        return Action(kind, request, table, {name: request["Item"][name] for name in names})

    def _check(self, action: Action) -> Failure:
        """Whether the action's condition holds now."""
        condition = action.request.get("ConditionExpression")
        if condition is None:
            return None, None, None
        current = self.get_item(action.table.name, action.key)
        if get_filter_expression(condition, *action.expressions.values()).expr(current):
            return None, None, None
        wants_item = action.request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and current is not None
        item = current.to_json()["Attributes"] if wants_item else None
        return "ConditionalCheckFailed", str(ConditionalCheckFailed().message), item

    def _apply(self, actions: list[Action]) -> list[Failure]:
        """Write all or, when one cannot be written, none."""
        undo: list[Callable[[], None]] = []
        failures: list[Failure] = []
        for action in actions:
            undo.append(self._undo(action))
            try:
                self._write(action)
            except MockValidationException as error:
                failures.append(("ValidationError", str(error.message), None))
                break
            failures.append((None, None, None))
        if any(code for code, _, _ in failures):
            for put_back in reversed(undo):
                put_back()
            failures += [(None, None, None)] * (len(actions) - len(failures))
        return failures

    def _write(self, action: Action) -> None:
        name, request = action.table.name, action.request
        if action.kind == "Put":
            self.put_item(name, request["Item"])
        elif action.kind == "Delete":
            self.delete_item(name, action.key)
        elif action.kind == "Update":
            self.update_item(name, action.key, update_expression=request["UpdateExpression"], **action.expressions)

    def _undo(self, action: Action) -> Callable[[], None]:
        """What puts the action's item back as it is now."""
        table = action.table
        before = copy.deepcopy(self.get_item(table.name, action.key))
        hash_key = DynamoType(action.key[table.hash_key_attr])
        range_key = DynamoType(action.key[table.range_key_attr]) if table.range_key_attr else None

        def put_back() -> None:
            if before is None:
                table.delete_item(hash_key, range_key)
            elif range_key is None:
                table.items[hash_key] = before
            else:
                table.items[hash_key][range_key] = before

        return put_back


class DynamoDbApi:
    """Answers requests to DynamoDB, one at a time. A body is read before the lock is taken."""

    def __init__(self, moto: Application) -> None:
        dynamodb_backends[ACCOUNT][REGION] = TransactingBackend(REGION, ACCOUNT)
        self._moto = moto
        self._lock = threading.Lock()

    def answer(self, request: Request) -> Reply:
        request.body()
        with self._lock:
            return call(self._moto, request.environ)
