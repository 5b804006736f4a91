"""A cloud small enough to read: functions that a test deploys, and the logs that they wrote."""

import base64
import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from edgetrain.local.functions import (
    Credentials,
    Executor,
    FunctionConfiguration,
    InvocationError,
    LayerContent,
    Result,
)
from edgetrain.local.functions.runtime import name_of_this_python

ACCOUNT = "123456789012"
REGION = "eu-central-1"


def zipped(files: Mapping[str, str]) -> bytes:
    """A zip file of texts, always the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return buffer.getvalue()


def layer(files: Mapping[str, str]) -> LayerContent:
    content = zipped(files)
    return LayerContent(sha256=hashlib.sha256(content).hexdigest(), read=lambda: content)


class SmallCloud:
    """FunctionServices in memory."""

    def __init__(self) -> None:
        self.functions: dict[str, FunctionConfiguration] = {}
        self.logs: dict[tuple[str, str], list[tuple[int, str]]] = {}
        self.assumed: list[tuple[str, str]] = []
        self._lock = threading.Lock()

    def deploy(self, name: str, source: str | Mapping[str, str], **properties: Any) -> FunctionConfiguration:
        """A function whose `handler.py` is `source` (or whose files are); later keywords are configuration fields."""
        content = zipped({"handler.py": source} if isinstance(source, str) else source)
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        configuration = FunctionConfiguration(
            name=name,
            arn=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}",
            handler="handler.handler",
            runtime=name_of_this_python(),
            code_sha256=digest,
            read_code=lambda: content,
            layers=(),
            environment={},
            memory_mb=256,
            timeout_seconds=30,
            role_arn=f"arn:aws:iam::{ACCOUNT}:role/{name}",
            log_group=f"/aws/lambda/{name}",
            revision=digest,
        )
        self.functions[name] = replace(configuration, **properties)
        return self.functions[name]

    def configuration(self, function: str) -> FunctionConfiguration:
        if function not in self.functions:
            raise InvocationError("ResourceNotFoundException", 404, f"Function not found: {function}")
        return self.functions[function]

    def credentials(self, role_arn: str, session_name: str) -> Credentials:
        self.assumed.append((role_arn, session_name))
        return Credentials(access_key_id="ASIAEXAMPLE", secret_access_key="secret", session_token=f"for {role_arn}")

    def put_log_events(self, group: str, stream: str, events: Sequence[tuple[int, str]]) -> None:
        with self._lock:
            self.logs.setdefault((group, stream), []).extend(events)

    def lines(self, group: str) -> list[str]:
        """All events of a group, its streams one after the other."""
        return [text for (name, _), events in self.logs.items() if name == group for _, text in events]


class Deployment:
    """The small cloud with its executor."""

    def __init__(self, cloud: SmallCloud, executor: Executor) -> None:
        self.cloud = cloud
        self.executor = executor
        self.deploy = cloud.deploy

    def invoke(self, function: str, event: Any = None, **options: Any) -> Result:
        return self.executor.invoke(function, json.dumps(event).encode(), **options)

    def answer(self, function: str, event: Any = None, **options: Any) -> Any:
        """What the function returned; an AssertionError when it failed."""
        result = self.invoke(function, event, **options)
        assert result.function_error is None, result.payload
        return json.loads(result.payload)

    def failure(self, function: str, event: Any = None) -> dict[str, Any]:
        """The error document of a function that fails."""
        result = self.invoke(function, event)
        assert result.function_error == "Unhandled", result.payload
        document = json.loads(result.payload)
        assert isinstance(document, dict)
        return document

    def log(self, function: str) -> list[str]:
        self.executor.flush_logs()
        return self.cloud.lines(f"/aws/lambda/{function}")
