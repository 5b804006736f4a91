"""What the executor's parts are given in tests."""

from typing import Any

from edgetrain.local.functions.interface import FunctionConfiguration
from edgetrain.local.functions.runtime import name_of_this_python


def configuration(name: str = "f", **fields: Any) -> FunctionConfiguration:
    properties: dict[str, Any] = {
        "name": name,
        "arn": f"arn:aws:lambda:eu-central-1:123456789012:function:{name}",
        "handler": "handler.handler",
        "runtime": name_of_this_python(),
        "code_sha256": "0" * 64,
        "read_code": lambda: b"",
        "layers": (),
        "environment": {},
        "memory_mb": 128,
        "timeout_seconds": 3,
        "role_arn": f"arn:aws:iam::123456789012:role/{name}",
        "log_group": f"/aws/lambda/{name}",
        "revision": "1",
    }
    return FunctionConfiguration(**(properties | fields))


class Clock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class FakeProcess:
    """A process that can be asked what was done to it."""

    def __init__(self, clock: Clock, name: str = "f", **fields: Any) -> None:
        self.configuration = configuration(name, **fields)
        self.started = clock()
        self.has_exited = False
        self.killed = 0
        self.closed = 0

    def kill(self) -> None:
        self.killed += 1

    def close(self) -> None:
        self.closed += 1
