"""Between API Gateway and the routes: golden events, what is logged, and what a function needs of its environment."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import NoCredentialsError

from edgetrain import errors
from edgetrain.api import entry
from edgetrain.api.refusals import CODES
from edgetrain.stores.endpoints import SageMakerEndpoints
from edgetrain.stores.pictures import S3PictureStore
from tests.unit.api.bad_requests import DETECTIONS, JSON, picture
from tests.unit.api.conftest import Api, event_of
from tests.unit.fakes.pictures import jpeg

ROOT = Path(__file__).parents[3]
EVENTS = sorted((ROOT / "tests" / "events" / "routes").glob("*.json"))


def test_every_route_has_its_golden_event_and_its_handler() -> None:
    handlers = {
        path.parent.name for path in (ROOT / "lambdas").glob("*/handler.py") if "edgetrain.api" in path.read_text()
    }
    assert {path.stem for path in EVENTS} == handlers


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
def test_a_golden_event_is_answered(api: Api, path: Path) -> None:
    event = json.loads(path.read_text())
    answer = api.play(event)
    assert answer.status == 200
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    handler = (ROOT / "lambdas" / path.stem / "handler.py").read_text()
    assert handler.startswith(f'"""Route {event["routeKey"]}: `edgetrain.api.')


@pytest.mark.parametrize("is_base64", [True, False])
def test_a_body_is_the_same_whichever_way_it_comes(is_base64: bool) -> None:
    event = {"body": "Zm9vIMOk" if is_base64 else "foo ä", "isBase64Encoded": is_base64}
    assert entry.request_of(event).body == "foo ä".encode()


def test_what_api_gateway_leaves_out_is_empty() -> None:
    request = entry.request_of({"headers": {"Content-Type": "x"}, "isBase64Encoded": False})
    assert (request.body, request.query, request.path, request.headers) == (b"", "", {}, {"content-type": "x"})


def test_an_event_whose_base64_is_none_is_refused(api: Api) -> None:
    event = event_of("POST", DETECTIONS, JSON, picture(jpeg())) | {"body": "!", "isBase64Encoded": True}
    answer = api.play(event)
    assert (answer.status, answer.error) == (400, "body_invalid")


def test_nothing_that_a_caller_sent_is_logged(api: Api, log: Any) -> None:
    headers = {**JSON, "authorization": "Bearer secret-token"}
    api.ask("POST", DETECTIONS, headers=headers, body=picture(jpeg(), name="secret-name.jpg"))
    api.ask("POST", f"{DETECTIONS}?task=secret-task", headers=headers, body=picture(jpeg()))
    api.ask("POST", DETECTIONS, headers=headers, body=b'{"secret-field": 1}')
    lines = log()
    assert [(line["route"], line["status"], line.get("code")) for line in lines] == [
        ("POST /detections", 200, None),
        ("POST /detections", 404, "task_not_found"),
        ("POST /detections", 400, "body_invalid"),
    ]
    assert "secret" not in json.dumps(lines)


def test_a_service_that_is_away_is_logged_with_its_own_words(api: Api, log: Any) -> None:
    try:
        raise errors.ServiceBusy("away", code="endpoint_failed") from NoCredentialsError()
    except errors.ServiceBusy as error:
        api.endpoints.raises = error
    api.ask("POST", DETECTIONS, headers=JSON, body=picture(jpeg()))
    warning = next(line for line in log() if line["level"] == "WARNING")
    assert "Unable to locate credentials" in warning["exception"]


def test_a_service_that_cannot_be_called_at_all_is_a_503(api: Api) -> None:
    def failing(_key: str) -> Any:
        raise NoCredentialsError

    api.versions.keys = failing  # type: ignore[method-assign]
    assert api.get("/models/objects/latest").status == 503


def test_a_name_that_is_missing_in_the_environment_fails_the_cold_start() -> None:
    for make, name in (
        (entry.endpoints, "ENDPOINTS"),
        (entry.models, "MODELS_BUCKET"),
        (entry.sign_in_url, "SIGN_IN_URL"),
    ):
        with pytest.raises(RuntimeError, match=f"lacks {name}"):
            make({})


@pytest.mark.usefixtures("account")
def test_the_environment_names_the_services() -> None:
    found = entry.endpoints({"ENDPOINTS": '{"objects": "endpoint-1"}'})
    assert isinstance(found, SageMakerEndpoints)
    assert set(found.tasks) == {"objects"}
    assert isinstance(entry.pictures({"PICTURES_BUCKET": "b"}), S3PictureStore)
    assert entry.pictures({}) is None
    assert entry.models({"MODELS_BUCKET": "m"}).bucket == "m"


@pytest.mark.usefixtures("account")
def test_a_presigned_address_is_signed_whole_and_short_lived() -> None:
    url = entry.models({"MODELS_BUCKET": "models"}).presigned("models/objects/000001/model.tflite", seconds=900)
    assert re.match(r"https://models\.s3(?:\.eu-central-1)?\.amazonaws\.com/models/objects/000001/model\.tflite\?", url)
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in url
    assert "X-Amz-Expires=900" in url
    assert "eu-central-1%2Fs3%2Faws4_request" in url


def test_every_code_of_a_picture_has_its_status() -> None:
    """`PictureInvalid` comes from another package: its codes must be in the API's table."""
    words = set(re.findall(r"\bpicture_\w+", errors.PictureInvalid.__doc__ or ""))
    assert words == {code for code in CODES if code.startswith("picture_")}


IMPORT = """
import importlib.util, json, sys
for path in sys.argv[1:]:
    spec = importlib.util.spec_from_file_location("handler", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
print(json.dumps(sorted(sys.modules)))
"""


def modules_of(names: list[str]) -> set[str]:
    """What is imported when these handlers start, in a process of its own."""
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "s",
        "ENDPOINTS": '{"objects": "e"}',
        "PICTURES_BUCKET": "p",
        "MODELS_BUCKET": "m",
        "SIGN_IN_URL": "https://sign-in.example",
        "PYTHONPATH": str(ROOT),
    }
    paths = [str(ROOT / "lambdas" / name / "handler.py") for name in names]
    command = [sys.executable, "-c", IMPORT, *paths]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_a_cold_start_imports_nothing_heavy() -> None:
    others = modules_of([path.stem for path in EVENTS if path.stem != "detect_objects"])
    assert not {"numpy", "PIL", "safetensors", "ai_edge_litert", "tensorflow", "aws_cdk", "typer"} & others
    detecting = modules_of(["detect_objects"])
    assert {"numpy", "PIL"} <= detecting
    assert not {"ai_edge_litert", "tensorflow", "aws_cdk", "typer", "edgetrain.runtime"} & detecting
