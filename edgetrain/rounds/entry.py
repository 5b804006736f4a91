"""From a Lambda's event to a step and back: the one module here that knows the environment and boto3."""

import os
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config

from edgetrain.contracts import Contract
from edgetrain.rounds.stores import RoundStores
from edgetrain.stores.ledger import DynamoLedger
from edgetrain.stores.s3 import S3ObjectStore

Request = TypeVar("Request", bound=Contract)
Handler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]

CLIENT = Config(
    connect_timeout=5, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 5}, max_pool_connections=32
)


def round_stores(environment: Mapping[str, str] = os.environ) -> RoundStores:
    """The stores that the function's environment names; a name that is missing fails the cold start.

    Raises:
        RuntimeError: a variable is missing.
    """
    names = ("DATA_BUCKET", "RUNS_BUCKET", "MODELS_BUCKET", "LEDGER_TABLE")
    missing = [name for name in names if not environment.get(name)]
    if missing:
        raise RuntimeError(f"the function's environment lacks {', '.join(missing)}")
    data, runs, models, table = (environment[name] for name in names)
    s3 = boto3.client("s3", config=CLIENT)
    return RoundStores(
        data=S3ObjectStore(s3, data),
        runs=S3ObjectStore(s3, runs),
        models=S3ObjectStore(s3, models),
        ledger=DynamoLedger(boto3.client("dynamodb", config=CLIENT), table),
    )


def serve(request: type[Request], step: Callable[[Request], Contract | Mapping[str, Any]]) -> Handler:
    """A Lambda handler: the event as a `request`, one call of `step`, its reply as JSON."""
    logger = Logger()

    @logger.inject_lambda_context(clear_state=True)
    def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 (Lambda's signature)
        message = request.model_validate(event)
        logger.append_keys(**{name: event[name] for name in ("run_id", "round", "tile") if name in event})
        reply = step(message)
        answer = reply.model_dump(mode="json") if isinstance(reply, Contract) else dict(reply)
        logger.info("done", extra={"reply": answer})
        return answer

    return handler
