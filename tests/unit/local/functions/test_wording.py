"""What Lambda says, word by word."""

import json
import signal

import pytest

from edgetrain.local.functions.wording import Ending, Outcome, failure, report_line


def test_a_success_is_no_failure() -> None:
    assert failure(Outcome(Ending.RESPONSE, b"1"), "r", 3) is None


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (0, "Runtime exited without providing a reason"),
        (1, "Runtime exited with error: exit status 1"),
        (-signal.SIGSEGV, "Runtime exited with error: signal: segmentation fault"),
        (-signal.SIGKILL, "Runtime exited with error: signal: killed"),
        (-signal.SIGTERM, "Runtime exited with error: signal: terminated"),
    ],
)
def test_an_exit(status: int, reason: str) -> None:
    failed = failure(Outcome(Ending.EXIT, exit_status=status), "r", 3)
    assert failed is not None
    assert json.loads(failed.document) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: r Error: {reason}",
    }
    assert failed.line == f"RequestId: r Error: {reason}\nRuntime.ExitError"
    assert failed.report == "Status: error\tError Type: Runtime.ExitError"


def test_an_error_document_passes_as_it_is() -> None:
    document = b'{"errorType": "E", "requestId": "r", "more": [1]}'
    failed = failure(Outcome(Ending.ERROR, document), "r", 3)
    assert failed is not None
    assert (failed.document, failed.line, failed.report) == (document, None, "")


@pytest.mark.parametrize("body", [b"not json", b"[1]"])
def test_an_error_document_that_is_none_passes_too(body: bytes) -> None:
    failed = failure(Outcome(Ending.INIT_ERROR, body), "r", 3)
    assert failed is not None
    assert failed.document == body


def test_an_error_while_initialising_gets_its_request_id() -> None:
    failed = failure(Outcome(Ending.INIT_ERROR, b'{"errorType": "E", "requestId": ""}'), "r", 3)
    assert failed is not None
    assert json.loads(failed.document) == {"errorType": "E", "requestId": "r"}


def test_report_lines() -> None:
    used = 80 * 2**20 + 1
    assert report_line("r", seconds=0.00125, memory_mb=128, used_bytes=used, init_seconds=None, status="") == (
        "REPORT RequestId: r\tDuration: 1.25 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 81 MB"
    )
    line = report_line("r", seconds=1, memory_mb=64, used_bytes=used, init_seconds=0.2505, status="Status: timeout")
    assert line == (
        "REPORT RequestId: r\tDuration: 1000.00 ms\tBilled Duration: 1251 ms\tMemory Size: 64 MB"
        "\tMax Memory Used: 64 MB\tInit Duration: 250.50 ms\tStatus: timeout"
    )
