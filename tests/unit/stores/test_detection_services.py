"""SageMaker's endpoints and the pictures' bucket as boto3 speaks with them: what is sent, and what each failure is called."""

import io
import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError
from botocore.response import StreamingBody
from botocore.stub import Stubber

from edgetrain.api.refusals import CODES
from edgetrain.errors import ServiceBusy
from edgetrain.stores.endpoints import SageMakerEndpoints
from edgetrain.stores.pictures import S3PictureStore

KEYS = {"aws_access_key_id": "a", "aws_secret_access_key": "s", "region_name": "eu-central-1"}
ROW = [0, 0.9, 0.1, 0.2, 0.5, 0.75]
CALL = {"EndpointName": "endpoint-1", "Body": b"picture", "ContentType": "image/jpeg", "Accept": "application/json"}


@pytest.fixture
def runtime() -> Any:
    return boto3.client("sagemaker-runtime", **KEYS)


def reply(body: Any, attributes: str = "task=objects;version=3") -> dict[str, Any]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return {"Body": StreamingBody(io.BytesIO(raw), len(raw)), "CustomAttributes": attributes}


def detect(client: Any, *, min_score: float | None = None, max_detections: int | None = None) -> Any:
    endpoints = SageMakerEndpoints(client, {"objects": "endpoint-1"})
    return endpoints.detect("objects", b"picture", "image/jpeg", min_score=min_score, max_detections=max_detections)


def test_a_picture_goes_to_its_tasks_endpoint_and_rows_come_back(runtime: Any) -> None:
    with Stubber(runtime) as stub:
        stub.add_response("invoke_endpoint", reply({"prediction": [ROW]}), CALL)
        answer = detect(runtime)
    assert (answer.rows, answer.version) == ([ROW], "3")
    assert isinstance(answer.rows[0][0], int)


@pytest.mark.parametrize(
    ("wishes", "attributes"),
    [
        ({"min_score": 0.25, "max_detections": 7}, "min_score=0.250000;max_detections=7"),
        ({"min_score": 1e-7}, "min_score=0.000000"),
        ({"max_detections": 100}, "max_detections=100"),
    ],
)
def test_wishes_are_attributes(runtime: Any, wishes: Any, attributes: str) -> None:
    with Stubber(runtime) as stub:
        stub.add_response("invoke_endpoint", reply({"prediction": []}), {**CALL, "CustomAttributes": attributes})
        assert detect(runtime, **wishes).rows == []


@pytest.mark.parametrize("attributes", ["", "version=", "version=x", "task=objects", ";;="])
def test_an_endpoint_that_does_not_say_its_version(runtime: Any, attributes: str) -> None:
    with Stubber(runtime) as stub:
        stub.add_response("invoke_endpoint", reply({"prediction": []}, attributes))
        assert detect(runtime).version is None


@pytest.mark.parametrize(
    ("code", "status", "named"),
    [
        ("ThrottlingException", 429, "endpoint_busy"),
        ("ModelNotReadyException", 429, "endpoint_busy"),
        ("ServiceUnavailable", 503, "endpoint_busy"),
        ("ModelError", 424, "endpoint_failed"),
        ("InternalFailure", 500, "endpoint_unavailable"),
        ("InternalServerError", 500, "endpoint_unavailable"),
        ("ValidationError", 400, "endpoint_unavailable"),  # there is no such endpoint
        ("AccessDeniedException", 403, "endpoint_unavailable"),
    ],
)
def test_sagemakers_errors_have_names_of_ours(runtime: Any, code: str, status: int, named: str) -> None:
    with Stubber(runtime) as stub:
        stub.add_client_error("invoke_endpoint", code, http_status_code=status)
        with pytest.raises(ServiceBusy) as raised:
            detect(runtime)
    assert raised.value.code == named
    assert CODES[named].status == 503
    assert raised.value.retry_after > 0


@pytest.mark.parametrize(
    ("failure", "named"),
    [
        (ReadTimeoutError(endpoint_url="x"), "too_slow"),
        (ConnectTimeoutError(endpoint_url="x"), "endpoint_unavailable"),
        (EndpointConnectionError(endpoint_url="x"), "endpoint_unavailable"),
    ],
)
def test_a_connection_that_fails_has_a_name_of_ours(
    runtime: Any, monkeypatch: pytest.MonkeyPatch, failure: Exception, named: str
) -> None:
    def fail(**_words: Any) -> Any:
        raise failure

    monkeypatch.setattr(runtime, "invoke_endpoint", fail)
    with pytest.raises(ServiceBusy) as raised:
        detect(runtime)
    assert raised.value.code == named


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        {"predictions": []},
        {"prediction": [[0, 0.5]]},
        {"prediction": [[0, 0.5, 0, 0, 1, 1, 1]]},
        {"prediction": [[0, 1.5, 0, 0, 1, 1]]},
        {"prediction": [[-1, 0.5, 0, 0, 1, 1]]},
        {"prediction": [[0.5, 0.5, 0, 0, 1, 1]]},
        b'{"prediction": [[0, NaN, 0, 0, 1, 1]]}',
    ],
)
def test_what_is_no_answer_is_not_handed_on(runtime: Any, body: Any) -> None:
    with Stubber(runtime) as stub:
        stub.add_response("invoke_endpoint", reply(body))
        with pytest.raises(ServiceBusy) as raised:
            detect(runtime)
    assert raised.value.code == "endpoint_failed"


# --- pictures


@pytest.mark.parametrize(("name", "metadata"), [("x.jpg", {"Metadata": {"name": "x.jpg"}}), ("", {})])
def test_a_picture_is_stored_with_its_name_beside_it(name: str, metadata: Any) -> None:
    client = boto3.client("s3", **KEYS)
    call = {"Bucket": "data", "Key": "incoming/1.jpg", "Body": b"p", "ContentType": "image/jpeg", **metadata}
    with Stubber(client) as stub:
        stub.add_response("put_object", {}, call)
        S3PictureStore(client, "data").keep("incoming/1.jpg", b"p", content_type="image/jpeg", name=name)


@pytest.mark.parametrize("code", ["AccessDenied", "SlowDown", "NoSuchBucket", "InternalError"])
def test_a_bucket_that_refuses_is_busy(code: str) -> None:
    client = boto3.client("s3", **KEYS)
    with Stubber(client) as stub:
        stub.add_client_error("put_object", code)
        with pytest.raises(ServiceBusy) as raised:
            S3PictureStore(client, "data").keep("incoming/1.jpg", b"p", content_type="image/jpeg", name="")
    assert raised.value.code == "storage_unavailable"
