"""What an item of a Distributed Map costs beside the Lambda's own time: `python -m benchmarks.map_items`.

The state machine is the one that we deploy, cut down to its map: items from S3, a Lambda task with a time-out, retriers
and a catcher, then a Pass. The function answers at once, so all that is measured is ours: reading, evaluating, handing
over to a thread and back, and journalling nine events and two rows per item.
"""

import argparse
import json
import platform
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from edgetrain.local.stepfunctions import Engine, FunctionResult, StateMachine

AIM_MS = 0.5
MACHINE = StateMachine(
    arn="arn:aws:states:eu-west-1:123456789012:stateMachine:Items",
    name="Items",
    role_arn="arn:aws:iam::123456789012:role/Items",
    definition=json.dumps(
        {
            "StartAt": "TrainClients",
            "States": {
                "TrainClients": {
                    "Type": "Map",
                    "Label": "TrainClients",
                    "ItemReader": {
                        "Resource": "arn:aws:states:::s3:getObject",
                        "ReaderConfig": {"InputType": "JSON"},
                        "Parameters": {"Bucket": "runs", "Key.$": "$.key"},
                    },
                    "ItemSelector": {"batch.$": "$$.Map.Item.Value", "round.$": "$.round", "timeout.$": "$.timeout"},
                    "MaxConcurrencyPath": "$.most",
                    "ToleratedFailurePercentage": 100,
                    "ResultPath": None,
                    "ItemProcessor": {
                        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                        "StartAt": "TrainClient",
                        "States": {
                            "TrainClient": {
                                "Type": "Task",
                                "Resource": "arn:aws:states:::lambda:invoke",
                                "TimeoutSecondsPath": "$.timeout",
                                "Parameters": {
                                    "FunctionName": "arn:aws:lambda:eu-west-1:123456789012:function:train",
                                    "Payload": {
                                        "batch.$": "$.batch",
                                        "round.$": "$.round",
                                        "attempt.$": "$$.State.RetryCount",
                                    },
                                },
                                "OutputPath": "$.Payload",
                                "Retry": [{"ErrorEquals": ["TransientError"], "JitterStrategy": "FULL"}],
                                "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "BatchDone"}],
                                "Next": "BatchDone",
                            },
                            "BatchDone": {"Type": "Pass", "Result": {}, "End": True},
                        },
                    },
                    "End": True,
                }
            },
        }
    ),
)


class Instant:
    """A cloud whose functions answer at once; the items lie in its one object."""

    def __init__(self, items: int) -> None:
        self._items = json.dumps(
            [{"batch": index, "clients": [f"client-{index:05}"]} for index in range(items)]
        ).encode()

    def invoke_function(self, function: str, payload: bytes, *, role_arn: str) -> FunctionResult:  # noqa: ARG002
        return FunctionResult(b'{"trained":1}', None)

    def get_object(self, bucket: str, key: str, *, role_arn: str) -> bytes:  # noqa: ARG002
        return self._items

    def call(self, service: str, action: str, parameters: dict[str, Any], *, role_arn: str) -> dict[str, Any]:
        raise NotImplementedError("the machine calls functions only")


def measure(items: int, most: int) -> float:
    """Milliseconds per item, from the start of the execution to its end."""
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(Path(folder) / "journal.sqlite", Instant(items))
        given = json.dumps({"key": "batches.json", "round": 1, "timeout": 60, "most": most})
        arn, started = engine.start(MACHINE, name=None, input=given)
        while (row := engine.describe(arn)).stopped is None:
            time.sleep(0.05)
        engine.close()
        assert row.status == "SUCCEEDED", row
        assert row.stopped is not None
        return (row.stopped - started) * 1000 / items


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=2_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    chosen = parser.parse_args()
    results = {most: [measure(chosen.items, most) for _ in range(chosen.repeats)] for most in (1, 10, 40)}
    if chosen.json:
        print(json.dumps({"items": chosen.items, "milliseconds_per_item": results, "aim": AIM_MS}))
        return
    print(f"Python {platform.python_version()}, {chosen.items} items, aim <= {AIM_MS} ms per item")
    for most, times in results.items():
        print(
            f"MaxConcurrency {most:>3}: median {statistics.median(times):.3f} ms per item "
            f"(from {min(times):.3f} to {max(times):.3f})"
        )


if __name__ == "__main__":
    main()
