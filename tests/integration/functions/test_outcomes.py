"""How invocations end, in Lambda's words."""

import json
import re

import pytest

from edgetrain import limits
from edgetrain.local.functions import InvocationError
from tests.integration.functions.deployed import Deployment

PID = "import os\n\ndef handler(event, context):\n    return os.getpid()\n"


def test_an_exception_is_a_function_error_and_the_process_goes_on(deployment: Deployment) -> None:
    deployment.deploy(
        "raises",
        "import os\n\nclass QuorumNotReached(Exception):\n    pass\n\n"
        "def handler(event, context):\n"
        "    if event:\n        raise QuorumNotReached('7 of 8')\n"
        "    return os.getpid()\n",
    )
    before = deployment.answer("raises")

    result = deployment.invoke("raises", True)
    document = json.loads(result.payload)

    assert result.function_error == "Unhandled"
    assert result.status_code == 200
    assert (document["errorType"], document["errorMessage"]) == ("QuorumNotReached", "7 of 8")
    assert document["requestId"] == result.request_id
    assert any("raise QuorumNotReached('7 of 8')" in line for line in document["stackTrace"])
    assert deployment.answer("raises") == before
    assert any(line.startswith("[ERROR] QuorumNotReached: 7 of 8\nTraceback") for line in deployment.log("raises"))


def test_an_answer_that_is_no_json(deployment: Deployment) -> None:
    deployment.deploy("no-json", "def handler(event, context):\n    return object()\n")

    assert deployment.failure("no-json")["errorType"] == "Runtime.MarshalError"


@pytest.mark.parametrize(
    ("name", "source", "handler", "error_type", "message"),
    [
        ("no-module", "", "absent.handler", "Runtime.ImportModuleError", "Unable to import module 'absent'"),
        ("no-function", "", "handler.absent", "Runtime.HandlerNotFound", "Handler 'absent' missing on module"),
        ("no-package", "import tensorflow", "handler.handler", "Runtime.ImportModuleError", "'tensorflow'"),
        ("no-python", "def (", "handler.handler", "Runtime.UserCodeSyntaxError", "Syntax error in module 'handler'"),
        ("no-setting", "raise RuntimeError('no table')", "handler.handler", "RuntimeError", "no table"),
        ("leaves", "raise SystemExit(3)", "handler.handler", "Runtime.ExitError", "exit status 3"),
    ],
)
def test_initialising_fails(
    deployment: Deployment, name: str, source: str, handler: str, error_type: str, message: str
) -> None:
    deployment.deploy(name, source, handler=handler)

    result = deployment.invoke(name)
    document = json.loads(result.payload)

    assert result.function_error == "Unhandled"
    assert document["errorType"] == error_type
    assert message in document["errorMessage"]
    assert result.request_id in (document.get("requestId") or document["errorMessage"])
    assert any(line.startswith("INIT_REPORT") and line.endswith("Status: error") for line in deployment.log(name))


@pytest.mark.parametrize(
    ("name", "deed", "reason"),
    [
        ("exits", "os._exit(1)", "exit status 1"),
        ("aborts", "os.abort()", "signal: aborted"),
        ("kills-itself", "os.kill(os.getpid(), 9)", "signal: killed"),
    ],
)
def test_a_crash(deployment: Deployment, name: str, deed: str, reason: str) -> None:
    deployment.deploy(name, f"import os\n\ndef handler(event, context):\n    {deed}\n")

    result = deployment.invoke(name)

    text = f"RequestId: {result.request_id} Error: Runtime exited with error: {reason}"
    assert json.loads(result.payload) == {"errorType": "Runtime.ExitError", "errorMessage": text}
    log = deployment.log(name)
    assert f"{text}\nRuntime.ExitError" in log
    assert log[-1].endswith("Status: error\tError Type: Runtime.ExitError")


def test_a_timeout_kills_and_the_next_invocation_has_another_process(deployment: Deployment) -> None:
    deployment.deploy(
        "sleeps",
        "import os, time\n\ndef handler(event, context):\n"
        "    if event:\n        print('going to sleep')\n        time.sleep(60)\n"
        "    return os.getpid()\n",
        timeout_seconds=1,
    )
    before = deployment.answer("sleeps")

    result = deployment.invoke("sleeps", True)

    text = "Task timed out after 1.00 seconds"
    assert json.loads(result.payload) == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {result.request_id} Error: {text}",
    }
    assert deployment.answer("sleeps") != before
    log = deployment.log("sleeps")
    assert "going to sleep" in log
    assert any(re.fullmatch(rf"\S+Z {result.request_id} {text}", line) for line in log)
    assert any(line.startswith(f"REPORT RequestId: {result.request_id}") and "Status: timeout" in line for line in log)


@pytest.mark.parametrize(
    ("name", "deed"),
    [
        ("hoards", "keep = b'x' * (200 << 20)\n    time.sleep(60)"),
        (
            "hoards-elsewhere",
            "subprocess.run([sys.executable, '-c', 'import time; keep = b\"x\" * (200 << 20); time.sleep(60)'])",
        ),
    ],
)
def test_more_memory_than_there_is(deployment: Deployment, name: str, deed: str) -> None:
    deployment.deploy(
        name, f"import subprocess, sys, time\n\ndef handler(event, context):\n    {deed}\n", memory_mb=128
    )

    result = deployment.invoke(name)

    assert json.loads(result.payload) == {
        "errorType": "Runtime.OutOfMemory",
        "errorMessage": f"RequestId: {result.request_id} Error: Runtime exited with error: signal: killed",
    }
    assert "Memory Size: 128 MB\tMax Memory Used: 128 MB" in deployment.log(name)[-1]


def test_more_memory_than_there_is_between_two_looks(deployment: Deployment) -> None:
    deployment.deploy("hoards-briefly", "def handler(event, context):\n    len(b'x' * (event << 20))\n", memory_mb=64)
    deployment.answer("hoards-briefly", 1)

    assert deployment.failure("hoards-briefly", 60)["errorType"] == "Runtime.OutOfMemory"


def test_last_words_count(deployment: Deployment) -> None:
    """The process has ended before its whole answer is read."""
    deployment.deploy(
        "last-words",
        "import os, socket\n\ndef handler(event, context):\n"
        "    host, port = os.environ['AWS_LAMBDA_RUNTIME_API'].split(':')\n"
        "    path = f'/2018-06-01/runtime/invocation/{context.aws_request_id}/response'\n"
        "    answer = b'1' * 500_000\n"
        "    with socket.create_connection((host, int(port))) as api:\n"
        "        api.sendall(f'POST {path} HTTP/1.1\\r\\nContent-Length: {len(answer)}\\r\\n\\r\\n'.encode() + answer)\n"
        "        os._exit(0)\n",
    )

    assert deployment.invoke("last-words").payload == b"1" * 500_000


def test_an_answer_of_the_largest_size_and_one_above(deployment: Deployment) -> None:
    deployment.deploy("large", "def handler(event, context):\n    return 'x' * (event - 2)\n")

    assert len(deployment.invoke("large", limits.LAMBDA_RESPONSE_BYTES).payload) == limits.LAMBDA_RESPONSE_BYTES
    document = deployment.failure("large", limits.LAMBDA_RESPONSE_BYTES + 1)

    assert document["errorType"] == "Function.ResponseSizeTooLarge"
    assert "6291556 bytes" in document["errorMessage"]
    assert deployment.answer("large", 3) == "x"


def test_an_event_of_the_largest_size_and_one_above(deployment: Deployment) -> None:
    deployment.deploy("length", "def handler(event, context):\n    return len(event)\n")
    largest = b'"' + b"x" * (limits.LAMBDA_SYNC_PAYLOAD_BYTES - 2) + b'"'

    assert json.loads(deployment.executor.invoke("length", largest).payload) == len(largest) - 2
    with pytest.raises(InvocationError) as refused:
        deployment.executor.invoke("length", largest + b" ")
    assert (refused.value.code, refused.value.status) == ("RequestTooLargeException", 413)
    with pytest.raises(InvocationError) as refused:
        deployment.executor.invoke("length", largest[: limits.LAMBDA_ASYNC_PAYLOAD_BYTES + 1], invocation_type="Event")
    assert refused.value.code == "RequestTooLargeException"


@pytest.mark.parametrize(
    ("function", "payload", "options", "code", "status"),
    [
        ("nobody", b"{}", {}, "ResourceNotFoundException", 404),
        ("old-python", b"{}", {}, "InvalidRuntimeException", 502),
        ("fine", b"{not json", {}, "InvalidRequestContentException", 400),
        ("fine", b"{}", {"invocation_type": "Later"}, "InvalidParameterValueException", 400),
        ("fine", b"{}", {"client_context": "!"}, "InvalidRequestContentException", 400),
        ("broken-zip", b"{}", {}, "InvalidZipFileException", 502),
    ],
)
def test_lambda_refuses(
    deployment: Deployment, function: str, payload: bytes, options: dict[str, str], code: str, status: int
) -> None:
    deployment.deploy("fine", PID)
    deployment.deploy("old-python", PID, runtime="python3.8")
    deployment.deploy("broken-zip", "# broken", read_code=lambda: b"PK")

    with pytest.raises(InvocationError) as refused:
        deployment.executor.invoke(function, payload, **options)

    assert (refused.value.code, refused.value.status) == (code, status)


def test_no_event_at_all_is_an_empty_one(deployment: Deployment) -> None:
    deployment.deploy("echo-nothing", "def handler(event, context):\n    return event\n")

    assert deployment.executor.invoke("echo-nothing", b"").payload == b"{}"
