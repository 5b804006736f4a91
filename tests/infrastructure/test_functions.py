"""The functions: one for each state and route, of its name, with what it needs to run and to be watched."""

from pathlib import Path

import pytest

from edgetrain import limits
from stacks.constructs.least_privilege_function import folder_of
from stacks.packaging.layers import PROJECT
from tests.infrastructure.reading import EDGE, FEDERATED, Assembly, text

#: State -> memory, timeout, and whether it runs training programs.
FUNCTIONS = {
    "StartRun": (512, 60, False),
    "SelectClients": (512, 60, False),
    "TrainClient": (1769, 900, True),
    "SealRound": (512, 300, False),
    "AggregateTile": (1769, 900, False),
    "CloseRound": (1769, 900, False),
    "EvaluateModel": (1769, 900, True),
    "PublishModel": (512, 300, False),
    "FailRun": (512, 60, False),
}
#: Route -> memory, whether it reads pictures, and what it is told beside its name and log level.
ROUTES = {
    "DetectObjects": (
        1769,
        True,
        {"ENDPOINTS": '{"objects":"${ObjectsServerlessEndpoint.EndpointName}"}', "PICTURES_BUCKET": "${DataBucket}"},
    ),
    "GetLabels": (512, False, {"MODELS_BUCKET": "${ModelsBucket}"}),
    "GetLatestModel": (512, False, {"MODELS_BUCKET": "${ModelsBucket}"}),
    "ListModelVersions": (512, False, {"MODELS_BUCKET": "${ModelsBucket}"}),
    "DownloadModel": (512, False, {"MODELS_BUCKET": "${ModelsBucket}"}),
    "GetOpenapi": (512, False, {"SIGN_IN_URL": "https://${PeopleSignIn}.auth.${AWS::Region}.amazoncognito.com"}),
}
PLAIN = ["${LayersCode}", "${LayersDependencies}"]
WITH_RUNTIME = ["${LayersCode}", "${LayersDependencies}", "${LayersRuntime}"]
WITH_PICTURES = ["${LayersCode}", "${LayersDependencies}", "${LayersPictures}"]


def test_one_state_or_route_one_folder_one_function(aws: Assembly) -> None:
    for stack, named in ((FEDERATED, FUNCTIONS), (EDGE, ROUTES)):
        assert set(aws.resources(stack, "AWS::Lambda::Function")) == {f"{name}Function" for name in named}
    folders = {path.parent.name for path in (PROJECT / "lambdas").glob("*/handler.py")}
    assert folders == {folder_of(name) for name in [*FUNCTIONS, *ROUTES]}


@pytest.mark.parametrize("route", ROUTES)
def test_a_function_is_set_as_its_route_needs(aws: Assembly, route: str) -> None:
    properties = aws.resources(EDGE, "AWS::Lambda::Function")[f"{route}Function"]["Properties"]
    memory, reads_pictures, told = ROUTES[route]
    assert properties["MemorySize"] == memory
    # It answers before API Gateway gives up, and after it has given up waiting itself.
    assert limits.DETECTION_SECONDS < properties["Timeout"] == 28 < limits.HTTP_API_TIMEOUT_SECONDS
    assert sorted(map(text, properties["Layers"])) == (WITH_PICTURES if reads_pictures else PLAIN)
    assert properties["Handler"] == "handler.handler"
    assert properties["TracingConfig"] == {"Mode": "Active"}
    assert text(properties["LoggingConfig"]["LogGroup"]) == f"${{{route}FunctionLogs}}"
    assert "FunctionName" not in properties
    names = {"LOG_LEVEL": "INFO", "POWERTOOLS_SERVICE_NAME": folder_of(route)}
    assert {name: text(value) for name, value in properties["Environment"]["Variables"].items()} == {**told, **names}


@pytest.mark.parametrize("state", FUNCTIONS)
def test_a_function_is_set_as_its_state_needs(aws: Assembly, state: str) -> None:
    properties = aws.resources(FEDERATED, "AWS::Lambda::Function")[f"{state}Function"]["Properties"]
    memory, timeout, runs_programs = FUNCTIONS[state]
    assert properties["MemorySize"] == memory
    assert properties["Timeout"] == timeout <= limits.LAMBDA_TIMEOUT_SECONDS
    # The CDK orders layers; nothing lies in two of them.
    assert sorted(map(text, properties["Layers"])) == (WITH_RUNTIME if runs_programs else PLAIN)
    assert properties["Handler"] == "handler.handler"
    assert properties["Runtime"] == "python3.13"
    assert properties["Architectures"] == ["x86_64"]
    assert properties["TracingConfig"] == {"Mode": "Active"}
    assert text(properties["LoggingConfig"]["LogGroup"]) == f"${{{state}FunctionLogs}}"
    assert "FunctionName" not in properties
    assert {name: text(value) for name, value in properties["Environment"]["Variables"].items()} == {
        "DATA_BUCKET": "${DataBucket}",
        "RUNS_BUCKET": "${RunsBucket}",
        "MODELS_BUCKET": "${ModelsBucket}",
        "LEDGER_TABLE": "${LedgerTable}",
        "LOG_LEVEL": "INFO",
        "POWERTOOLS_SERVICE_NAME": folder_of(state),
    }


def test_logs_end_after_a_month_and_go_with_the_stack(aws: Assembly) -> None:
    groups, edge = (aws.resources(stack, "AWS::Logs::LogGroup") for stack in (FEDERATED, EDGE))
    assert set(groups) == {*(f"{state}FunctionLogs" for state in FUNCTIONS), "TrainingLogs"}
    assert set(edge) == {*(f"{route}FunctionLogs" for route in ROUTES), "HttpAccessLogs"}
    for group in [*groups.values(), *edge.values()]:
        assert group["Properties"] == {"RetentionInDays": 30}
        assert group["DeletionPolicy"] == "Delete"


@pytest.mark.parametrize(
    ("state", "folder"), [("TrainClient", "train_client"), ("FailRun", "fail_run"), ("Publish", "publish")]
)
def test_a_states_folder_is_its_name(state: str, folder: str) -> None:
    assert folder_of(state) == folder


def test_a_missing_handler_is_one_sentence(aws: Assembly, tmp_path: Path) -> None:
    from aws_cdk import App

    from edgetrain.errors import UsageError
    from stacks.federated import FederatedStack
    from stacks.storage import StorageStack
    from stacks.targets import aws_target
    from tests.infrastructure.conftest import stand_ins

    app = App()
    storage = StorageStack(app, "Storage").storage
    with pytest.raises(UsageError, match=r"state StartRun has no handler: expected lambdas/start_run/handler\.py"):
        FederatedStack(
            app,
            "Federated",
            storage=storage,
            target=aws_target("x86_64"),
            archives=stand_ins(tmp_path, ""),
            lambdas=tmp_path,
        )
