"""moto's interpreter of state machines, as something that plays definitions."""

import json
import time
from dataclasses import dataclass, field
from typing import Any

from tests.unit.fakes.stepfunctions import Bench

PATIENCE_SECONDS = 20.0
ROLE = "arn:aws:iam::123456789012:role/machine"


@dataclass
class Moto:
    """Plays definitions; the same one is created once."""

    client: Any
    machines: dict[str, str] = field(default_factory=dict)
    runs: int = 0

    def play(self, definition: dict[str, Any], given: Any) -> tuple[str, Any, str | None, list[str]]:
        """Status, output, error and the kinds of events."""
        text = json.dumps(definition)
        if text not in self.machines:
            reply = self.client.create_state_machine(name=f"m{len(self.machines)}", roleArn=ROLE, definition=text)
            self.machines[text] = reply["stateMachineArn"]
        self.runs += 1
        started = self.client.start_execution(
            stateMachineArn=self.machines[text], name=f"e{self.runs}", input=json.dumps(given)
        )
        give_up = time.monotonic() + PATIENCE_SECONDS
        while (found := self.client.describe_execution(executionArn=started["executionArn"]))["status"] == "RUNNING":
            assert time.monotonic() < give_up
            time.sleep(0.002)
        history = self.client.get_execution_history(executionArn=started["executionArn"])["events"]
        output = json.loads(found["output"]) if found.get("output") else None
        return found["status"], output, found.get("error"), [event["type"] for event in history]


def both(moto: Moto, bench: Bench, definition: dict[str, Any], data: Any) -> tuple[Any, Any]:
    """(status, output, error, kinds of events) of theirs and of ours."""
    ours = bench.run(definition, data)
    return moto.play(definition, data), (ours.status, ours.output, ours.error, ours.kinds)
