"""What the deployed functions write to CloudWatch Logs."""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from edgetrain.client.connection import Connection
from edgetrain.client.documents import LogLine
from edgetrain.client.outputs import STACKS
from edgetrain.errors import NotDeployed, UsageError
from edgetrain.stores.failures import code_of, translated

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import FilteredLogEventTypeDef

#: The CDK's logical id of a state's or a route's function (stacks/constructs/least_privilege_function.py): name and a hash.
LOGICAL_ID = re.compile(r"^(?P<state>[A-Z]\w*?)Function[0-9A-F]{8}$")


def log_groups(connection: Connection) -> dict[str, str]:
    """State -> log group of its function, in alphabetical order.

    Raises:
        NotDeployed: no stack of the application has a function.
    """
    cloudformation, functions = connection.client("cloudformation"), connection.client("lambda")
    found: dict[str, str] = {}
    for stack in STACKS:
        try:
            pages = list(cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack))
        except ClientError as error:
            if code_of(error) != "ValidationError":  # there is no such stack
                raise
            continue
        for resource in (each for page in pages for each in page["StackResourceSummaries"]):
            named = LOGICAL_ID.match(resource["LogicalResourceId"])
            if resource["ResourceType"] == "AWS::Lambda::Function" and named is not None:
                settings = functions.get_function_configuration(FunctionName=resource["PhysicalResourceId"])
                default = f"/aws/lambda/{settings['FunctionName']}"
                found[named["state"]] = settings.get("LoggingConfig", {}).get("LogGroup", default)
    if not found:
        raise NotDeployed("the application is not deployed in this cloud: deploy it with `edgetrain up`")
    return dict(sorted(found.items()))


def choose(groups: Mapping[str, str], name: str | None) -> dict[str, str]:
    """The log group of one state (`TrainClient`, or `train_client` as its folder is called), or all.

    Raises:
        UsageError: there is no such function.
    """
    if name is None:
        return dict(groups)
    wanted = name.replace("_", "").lower()
    chosen = {state: group for state, group in groups.items() if state.lower() == wanted}
    if not chosen:
        raise UsageError(f"there is no function {name!r}: expected one of {', '.join(groups)}")
    return chosen


class LogReader:
    """Reads log groups from `since` (seconds since 1970) on, each event once."""

    def __init__(self, client: "CloudWatchLogsClient", groups: Mapping[str, str], *, since: float) -> None:
        self._client, self._groups = client, groups
        self._since = dict.fromkeys(groups, int(since * 1000))
        self._seen: dict[str, set[str]] = {state: set() for state in groups}

    def read(self) -> list[LogLine]:
        """What is new, by time. An event that arrives late with an earlier time than those seen is not shown."""
        found = [(event["timestamp"], state, event["message"]) for state in self._groups for event in self._new(state)]
        return [
            LogLine(function=state, timestamp=_iso(timestamp), message=message.rstrip("\n"))
            for timestamp, state, message in sorted(found, key=lambda each: each[0])
        ]

    def _new(self, state: str) -> "Sequence[FilteredLogEventTypeDef]":
        group, since, seen = self._groups[state], self._since[state], self._seen[state]
        events: list[FilteredLogEventTypeDef] = []
        try:
            with translated(f"log group {group}"):
                pages = self._client.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since)
                events = [event for page in pages for event in page["events"] if event["eventId"] not in seen]
        except ClientError as error:
            if code_of(error) != "ResourceNotFoundException":  # nothing was ever written there
                raise
        if events:
            newest = max(event["timestamp"] for event in events)
            if newest > since:
                self._since[state], seen = newest, set()
            self._seen[state] = seen | {event["eventId"] for event in events if event["timestamp"] == newest}
        return events


def follow_logs(
    reader: LogReader, *, interval: float, sleep: Callable[[float], None] = time.sleep
) -> Iterator[LogLine]:
    """New lines for ever; `interval` is the pause between two looks, in seconds."""
    while True:
        yield from reader.read()
        sleep(interval)


def _iso(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")
