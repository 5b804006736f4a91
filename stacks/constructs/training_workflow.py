"""The state machine `FederatedTraining`: the rounds of a run (docs/architecture.md, "A round, with its objects").

Only ids, keys, counts and metrics travel from state to state. A task hands on its function's reply; each request is
spelled out by its state, because contracts refuse fields that they do not know.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from aws_cdk import ArnFormat, Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from edgetrain import limits
from stacks.constructs.access import NO_RESOURCE, WITHOUT_RESOURCE, Access, Objects, without_resource
from stacks.constructs.least_privilege_function import LOGS_FOR, LeastPrivilegeFunction
from stacks.constructs.retries import TRANSIENT, TRIES_OF_TRAINING, Tries
from stacks.nag import acknowledge_resources
from stacks.storage import Storage

#: What a task waits beyond its function's own timeout, so that Lambda's error comes first.
SLACK: Final = Duration.seconds(15)
#: Besides its tasks, the state machine reads the items of TrainClients.
ITEMS: Final = Access(runs=Objects(reads=("runs/*/rounds/*/batches.json",), tells_missing=False))
ROUND: Final = {"run_id": "$.run_id", "round": "$.round"}


@dataclass(frozen=True, kw_only=True)
class StateFunctions:
    """The function of each state that calls one."""

    start_run: LeastPrivilegeFunction
    select_clients: LeastPrivilegeFunction
    train_client: LeastPrivilegeFunction
    seal_round: LeastPrivilegeFunction
    aggregate_tile: LeastPrivilegeFunction
    close_round: LeastPrivilegeFunction
    evaluate_model: LeastPrivilegeFunction
    publish_model: LeastPrivilegeFunction
    fail_run: LeastPrivilegeFunction

    def all(self) -> tuple[LeastPrivilegeFunction, ...]:
        """In the order of a run."""
        return tuple(vars(self).values())


class TrainingWorkflow(Construct):
    """The state machine, its role and its log group."""

    def __init__(self, scope: Construct, construct_id: str, *, functions: StateFunctions, storage: Storage) -> None:
        super().__init__(scope, construct_id)
        self._functions = functions
        self._storage = storage
        log_group = logs.LogGroup(self, "Logs", retention=LOGS_FOR, removal_policy=RemovalPolicy.DESTROY)
        role = self._role()
        self.state_machine = sfn.StateMachine(
            self,
            "FederatedTraining",
            comment="Rounds of federated training: select, train, seal, aggregate, close, evaluate; then publish.",
            definition_body=sfn.DefinitionBody.from_chainable(self._definition()),
            role=role.without_policy_updates(),
            tracing_enabled=True,
            # Input and output stay out of the log: a run's records are in RunsBucket and in the ledger.
            logs=sfn.LogOptions(destination=log_group, level=sfn.LogLevel.ALL, include_execution_data=False),
        )
        self._allow_map_runs(role)

    # --- the definition

    def _definition(self) -> sfn.IChainable:
        functions = self._functions
        start = self._task("StartRun", functions.start_run, START)
        more = sfn.Choice(self, "MoreRounds?")
        select = self._task("SelectClients", functions.select_clients, {"run_id": "$.run_id", "round": "$.next_round"})
        train = self._train_clients()
        seal = self._task("SealRound", functions.seal_round, ROUND)
        aggregate = self._aggregate_updates()
        close = self._task("CloseRound", functions.close_round, ROUND, keeps_reply=False)
        evaluate = self._task("EvaluateModel", functions.evaluate_model, ROUND)
        publish = self._task("PublishModel", functions.publish_model, {"run_id": "$.run_id"})
        fail = self._fail_run()
        for state in (start, select, train, seal, aggregate, close, evaluate, publish):
            state.add_catch(fail, errors=[sfn.Errors.ALL])
        select.next(train).next(seal).next(aggregate).next(close).next(evaluate).next(more)
        more.when(sfn.Condition.boolean_equals("$.more_rounds", True), select)
        more.otherwise(publish)
        return start.next(more)

    def _train_clients(self) -> sfn.DistributedMap:
        """Batches of clients side by side. No item fails and no item has a result: receipts and refusals are in the ledger."""
        train = self._task(
            "TrainClient",
            self._functions.train_client,
            {**ROUND, "batch": "$.batch", "deadline": "$.deadline", "attempt": "$$.State.RetryCount"},
            timeout=sfn.Timeout.at("$.timeout_seconds"),
            tries=TRIES_OF_TRAINING,
        )
        done = sfn.Pass(
            self,
            "BatchDone",
            comment="An empty output: those of 10,000 items must fit into 256 KB.",
            result=sfn.Result.from_object({}),
        )
        train.add_catch(done, errors=[sfn.Errors.ALL])
        every_batch = sfn.DistributedMap(
            self,
            "TrainClients",
            comment="A round's quorum is decided by SealRound, so the map itself tolerates every failure.",
            label="TrainClients",
            map_execution_type=sfn.StateMachineType.STANDARD,
            item_reader=sfn.S3JsonItemReader(bucket=self._storage.runs, key=sfn.JsonPath.string_at("$.batches_key")),
            item_selector=_payload(
                {
                    **ROUND,
                    "batch": "$$.Map.Item.Value",
                    "deadline": "$.deadline",
                    "timeout_seconds": "$.timeout_seconds",
                }
            ),
            max_concurrency_path="$.max_concurrency",
            tolerated_failure_percentage=100,
            result_path=sfn.JsonPath.DISCARD,
        )
        every_batch.item_processor(train.next(done))
        return every_batch

    def _aggregate_updates(self) -> sfn.Map:
        """A handful of tiles; their results are in RunsBucket."""
        every_tile = sfn.Map(
            self,
            "AggregateUpdates",
            items_path="$.tiles",
            item_selector=_payload({**ROUND, "tile": "$$.Map.Item.Value"}),
            max_concurrency=limits.INLINE_MAP_CONCURRENCY,
            result_path=sfn.JsonPath.DISCARD,
        )
        tile = self._task("AggregateTile", self._functions.aggregate_tile, {**ROUND, "tile": "$.tile"})
        every_tile.item_processor(tile)
        return every_tile

    def _fail_run(self) -> tasks.LambdaInvoke:
        """Record why, then end FAILED with one error and one sentence; when even recording fails, with what was caught."""
        record = self._task("FailRun", self._functions.fail_run, FAIL)
        record.next(sfn.Fail(self, "RunFailed", error_path="$.error", cause_path="$.cause"))
        unrecorded = sfn.Fail(
            self,
            "RunFailedUnrecorded",
            comment="FailRun failed, too: the ledger still says RUNNING.",
            error_path="$.Error",
            cause_path="$.Cause",
        )
        record.add_catch(unrecorded, errors=[sfn.Errors.ALL], result_path="$.unrecorded")
        return record

    def _task(
        self,
        state: str,
        function: LeastPrivilegeFunction,
        request: Mapping[str, str],
        *,
        timeout: sfn.Timeout | None = None,
        tries: tuple[Tries, ...] = TRANSIENT,
        keeps_reply: bool = True,
    ) -> tasks.LambdaInvoke:
        """Invoke `function` with `request` (field -> path); the reply, or the input as it was, is handed on."""
        task = tasks.LambdaInvoke(
            self,
            state,
            lambda_function=function.function,
            payload=sfn.TaskInput.from_object(_payload(request)),
            output_path="$.Payload" if keeps_reply else None,
            result_path=None if keeps_reply else sfn.JsonPath.DISCARD,
            retry_on_service_exceptions=False,
            task_timeout=timeout or sfn.Timeout.duration(function.timeout.plus(SLACK)),
        )
        for each in tries:
            task.add_retry(**each.retry_props())
        return task

    # --- the role

    def _role(self) -> iam.Role:
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("states.amazonaws.com"),
            inline_policies={
                "Grants": iam.PolicyDocument(
                    statements=[
                        iam.PolicyStatement(
                            actions=["lambda:InvokeFunction"],
                            resources=[each.function.function_arn for each in self._functions.all()],
                        ),
                        *ITEMS.statements(self._storage),
                        without_resource(*WITHOUT_RESOURCE),
                    ]
                )
            },
        )
        ITEMS.acknowledge(role, self._storage)
        acknowledge_resources(role, ["*"], NO_RESOURCE)
        return role

    def _allow_map_runs(self, role: iam.Role) -> None:
        """A Distributed Map starts its items as executions of this very state machine, so the grant comes after it.

        Its own policy, on which the state machine does not depend: the two name each other.
        """
        machine = self.state_machine
        # The CDK prepares a policy of its own for the role that it cannot update; it would also allow redriving.
        machine.node.try_remove_child("DistributedMapPolicy")
        executions = machine.stack.format_arn(
            service="states",
            resource="execution",
            resource_name=f"{machine.state_machine_name}:*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        policy = iam.Policy(
            self,
            "MapRuns",
            roles=[role],
            statements=[
                iam.PolicyStatement(actions=["states:StartExecution"], resources=[machine.state_machine_arn]),
                iam.PolicyStatement(
                    actions=["states:DescribeExecution", "states:StopExecution"], resources=[executions]
                ),
            ],
        )
        logical_id = machine.stack.get_logical_id(cast("sfn.CfnStateMachine", machine.node.default_child))
        acknowledge_resources(
            policy,
            [f"arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:<{logical_id}.Name>:*"],
            "an execution's name is made when it starts",
        )


START: Final = {
    "execution_arn": "$$.Execution.Id",
    "execution_name": "$$.Execution.Name",
    "input": "$$.Execution.Input",
}
FAIL: Final = {
    "execution_arn": "$$.Execution.Id",
    "input": "$$.Execution.Input",
    "error": "$.Error",
    "cause": "$.Cause",
}


def _payload(request: Mapping[str, str]) -> dict[str, Any]:
    return {field: sfn.JsonPath.object_at(path) for field, path in request.items()}
