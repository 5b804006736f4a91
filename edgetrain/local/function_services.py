"""What the executor asks of the cloud around it: a function's configuration, its role's credentials, a place for its log."""

import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

from edgetrain.local.functions import Credentials, FunctionConfiguration, InvocationError, LayerContent
from edgetrain.local.lambda_api import revision_of
from edgetrain.local.loopback import Loopback
from edgetrain.local.place import ACCOUNT, PARTITION, REGION

#: As many events fit into one PutLogEvents.
MOST_EVENTS: Final = 10_000


class CloudServices:
    """`FunctionServices` out of moto's back ends."""

    def __init__(self, clients: Loopback) -> None:
        self._clients = clients
        self._streams: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def configuration(self, function: str) -> FunctionConfiguration:
        """See `FunctionServices`."""
        from moto.awslambda.exceptions import UnknownAliasException, UnknownFunctionException
        from moto.awslambda.models import lambda_backends

        name, qualifier = split_function(function)
        backend = lambda_backends[ACCOUNT][REGION]
        try:
            found = backend._lambdas.get_function_by_name_with_qualifier(name, qualifier)
        except (UnknownFunctionException, UnknownAliasException):
            found = None
        if found is None:
            arn = function_arn(name) + (f":{qualifier}" if qualifier else "")
            raise InvocationError("ResourceNotFoundException", 404, f"Function not found: {arn}")
        if found.package_type != "Zip" or not found.code_bytes:
            raise InvocationError(
                "InvalidParameterValueException", 400, f"Function {name} has no zip package, which is what runs here"
            )
        reserved = found.reserved_concurrency
        return FunctionConfiguration(
            name=name,
            arn=function_arn(name) + (f":{qualifier}" if qualifier else ""),
            handler=found.handler,
            runtime=found.run_time,
            code_sha256=found.code_sha_256,
            read_code=self._reader(found),
            layers=tuple(self._layer(backend.layers_versions_by_arn(layer["Arn"])) for layer in found.layers),
            environment=dict(found.environment_vars),
            memory_mb=int(found.memory_size),
            timeout_seconds=int(found.timeout),
            role_arn=found.role,
            log_group=found.logs_group_name,
            revision=revision_of(found),
            reserved_concurrency=None if reserved is None else int(reserved),
        )

    def _layer(self, version: Any) -> LayerContent:
        return LayerContent(sha256=version.code_sha_256, read=self._reader(version))

    def _reader(self, package: Any) -> Callable[[], bytes]:
        """Gives the zip of moto's function or layer version."""
        content = package.code_bytes
        return lambda: bytes(content)

    def credentials(self, role_arn: str, session_name: str) -> Credentials:
        """See `FunctionServices`."""
        answer = self._clients.client("sts").assume_role(RoleArn=role_arn, RoleSessionName=session_name[:64])
        given = answer["Credentials"]
        return Credentials(
            access_key_id=given["AccessKeyId"],
            secret_access_key=given["SecretAccessKey"],
            session_token=given["SessionToken"],
        )

    def put_log_events(self, group: str, stream: str, events: Sequence[tuple[int, str]]) -> None:
        """See `FunctionServices`."""
        logs = self._clients.client("logs")
        for start in range(0, len(events), MOST_EVENTS):
            batch = [{"timestamp": at, "message": text} for at, text in events[start : start + MOST_EVENTS]]
            self._ensure_stream(logs, group, stream)
            try:
                logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=batch)
            except logs.exceptions.ResourceNotFoundException:  # somebody deleted it meanwhile
                self._streams.discard((group, stream))
                self._ensure_stream(logs, group, stream)
                logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=batch)

    def _ensure_stream(self, logs: Any, group: str, stream: str) -> None:
        with self._lock:
            if (group, stream) not in self._streams:
                _create(logs.create_log_group, logs, logGroupName=group)
                _create(logs.create_log_stream, logs, logGroupName=group, logStreamName=stream)
                self._streams.add((group, stream))


def _create(create: Callable[..., Any], logs: Any, **names: str) -> None:
    try:
        create(**names)
    except logs.exceptions.ResourceAlreadyExistsException:
        return


def split_function(function: str) -> tuple[str, str | None]:
    """Name and qualifier of a name, a partial ARN (`123456789012:function:name`) or an ARN."""
    rest = function.rsplit("function:", 1)[-1]
    name, _, qualifier = rest.partition(":")
    return name, qualifier or None


def function_arn(name: str) -> str:
    return f"arn:{PARTITION}:lambda:{REGION}:{ACCOUNT}:function:{name}"
