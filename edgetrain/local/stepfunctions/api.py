"""Step Functions' operations on executions, as AWS JSON 1.0 has them: a request in, a status and a reply out."""

from collections.abc import Callable
from typing import Any, Final

from edgetrain.limits import CAUSE_CHARACTERS, ERROR_CHARACTERS, TASK_TOKEN_CHARACTERS
from edgetrain.local.stepfunctions.engine import Engine
from edgetrain.local.stepfunctions.failures import ApiError, InvalidDefinition
from edgetrain.local.stepfunctions.ports import StateMachine
from edgetrain.local.stepfunctions.queries import Queries
from edgetrain.local.stepfunctions.redriving import why_not
from edgetrain.local.stepfunctions.replies import describe, event, listed, map_run, map_run_listed
from edgetrain.local.stepfunctions.requests import Request

Reply = dict[str, Any]


class StepFunctionsApi:
    """Answers operations on executions. `state_machine` finds a state machine by its ARN."""

    OPERATIONS: Final[frozenset[str]] = frozenset(
        {
            "StartExecution",
            "StopExecution",
            "DescribeExecution",
            "ListExecutions",
            "GetExecutionHistory",
            "DescribeStateMachineForExecution",
            "ListMapRuns",
            "DescribeMapRun",
            "RedriveExecution",
            "SendTaskSuccess",
            "SendTaskFailure",
            "SendTaskHeartbeat",
        }
    )

    def __init__(self, engine: Engine, state_machine: Callable[[str], StateMachine | None]) -> None:
        self._engine, self._state_machine = engine, state_machine
        self._answers: dict[str, Callable[[Request], Reply]] = {
            "StartExecution": self._start,
            "StopExecution": self._stop,
            "DescribeExecution": self._describe,
            "ListExecutions": self._list,
            "GetExecutionHistory": self._history,
            "DescribeStateMachineForExecution": self._machine_of,
            "ListMapRuns": self._map_runs,
            "DescribeMapRun": self._map_run,
            "RedriveExecution": self._redrive,
            "SendTaskSuccess": self._task_success,
            "SendTaskFailure": self._task_failure,
            "SendTaskHeartbeat": self._task_heartbeat,
        }

    def call(self, operation: str, request: dict[str, Any]) -> tuple[int, Reply]:
        """The HTTP status and the JSON reply of an operation; `operation` is one of `OPERATIONS`."""
        try:
            return 200, self._answers[operation](Request(request))
        except ApiError as error:
            status = 503 if error.code == "ServiceUnavailable" else 400
            return status, {"__type": error.code, "message": error.message}
        except InvalidDefinition as error:
            return 400, {"__type": "ValidationException", "message": str(error)}

    def _start(self, request: Request) -> Reply:
        machine = self._machine(request.arn("stateMachineArn", "stateMachine"))
        arn, started = self._engine.start(
            machine,
            name=request.text("name"),
            input=request.text("input", "{}") or "",
            trace_header=request.text("traceHeader"),
        )
        return {"executionArn": arn, "startDate": started}

    def _machine(self, arn: str) -> StateMachine:
        machine = self._state_machine(arn)
        if machine is None:
            raise ApiError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")
        return machine

    def _stop(self, request: Request) -> Reply:
        arn = request.arn("executionArn", "execution")
        return {"stopDate": self._engine.stop(arn, error=request.text("error"), cause=request.text("cause"))}

    def _redrive(self, request: Request) -> Reply:
        return {"redriveDate": self._engine.redrive(request.arn("executionArn", "execution"))}

    def _task_success(self, request: Request) -> Reply:
        self._engine.task_success(_token(request), request.needed("output"))
        return {}

    def _task_failure(self, request: Request) -> Reply:
        error, cause = request.short("error", ERROR_CHARACTERS), request.short("cause", CAUSE_CHARACTERS)
        self._engine.task_failure(_token(request), error, cause)
        return {}

    def _task_heartbeat(self, request: Request) -> Reply:
        self._engine.task_heartbeat(_token(request))
        return {}

    def _describe(self, request: Request) -> Reply:
        arn = request.arn("executionArn", "execution")

        def answer(queries: Queries) -> Reply:
            row = queries.execution(arn)
            reason = why_not(row, queries.last_event(row), self._engine.now())
            return describe(row, reason, with_data=request.with_data())

        return self._engine.ask(answer)

    def _list(self, request: Request) -> Reply:
        machine, run = request.text("stateMachineArn"), request.text("mapRunArn")
        if (machine is None) == (run is None):
            raise ApiError("ValidationException", "Must specify exactly one of 'stateMachineArn' or 'mapRunArn'")
        if machine is not None:
            arn = request.arn("stateMachineArn", "stateMachine")
            self._machine(arn)
        else:
            arn = request.arn("mapRunArn", "mapRun")
        status, limit, token = request.status(), request.page(), request.text("nextToken")
        chosen = request.text("redriveFilter")
        redriven = None if chosen is None else chosen == "REDRIVEN"
        rows, following = self._engine.list(arn, status=status, redriven=redriven, limit=limit, token=token)
        return _page("executions", [listed(row) for row in rows], following)

    def _history(self, request: Request) -> Reply:
        arn = request.arn("executionArn", "execution")
        events, following = self._engine.history(
            arn, backwards=request.flag("reverseOrder"), limit=request.page(), token=request.text("nextToken")
        )
        with_data = request.flag("includeExecutionData", default=True)
        return _page("events", [event(each, with_data=with_data) for each in events], following)

    def _machine_of(self, request: Request) -> Reply:
        arn = request.arn("executionArn", "execution")

        def answer(queries: Queries) -> Reply:
            row = queries.execution(arn)
            reply = {
                "stateMachineArn": row.machine_arn,
                "name": row.machine_arn.rsplit(":", 1)[1],
                "definition": queries.definition(row),
                "roleArn": row.role_arn,
                "updateDate": row.started,
            }
            if row.map_run_arn is not None:
                reply |= {"mapRunArn": row.map_run_arn, "label": queries.map_run(row.map_run_arn).label}
            return reply

        return self._engine.ask(answer)

    def _map_runs(self, request: Request) -> Reply:
        arn, limit, token = request.arn("executionArn", "execution"), request.page(), request.text("nextToken")
        rows, following = self._engine.ask(lambda queries: queries.map_runs(arn, limit=limit, token=token))
        return _page("mapRuns", [map_run_listed(row) for row in rows], following)

    def _map_run(self, request: Request) -> Reply:
        arn = request.arn("mapRunArn", "mapRun")

        def answer(queries: Queries) -> Reply:
            row = queries.map_run(arn)
            return map_run(row, *queries.counts(row))

        return self._engine.ask(answer)


def _page(name: str, rows: list[Reply], following: str | None) -> Reply:
    return {name: rows} if following is None else {name: rows, "nextToken": following}


def _token(request: Request) -> str:
    return request.needed("taskToken", TASK_TOKEN_CHARACTERS)
