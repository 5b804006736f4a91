"""An engine whose process is killed in the middle of an execution."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.unit.fakes.stepfunctions import Bench

ROOT = Path(__file__).parents[3]
KILLED = """
import json, os, signal, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.unit.fakes.stepfunctions import Bench, one_state
bench = Bench(Path({journal!r}))
state = one_state(Type="Map", Label="L", ItemProcessor={{
    "ProcessorConfig": {{"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}},
    "StartAt": "W", "States": {{"W": {{"Type": "Wait", "Seconds": 99, "End": True}}}}}})
arn = bench.start(state, [1, 2])
bench.clock.until_asked(2)
bench.events(arn)
print(arn, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_an_execution_goes_on_after_the_process_was_killed(tmp_path: Path) -> None:
    journal = tmp_path / "journal.sqlite"
    script = KILLED.format(root=str(ROOT), journal=str(journal))
    child = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, env=os.environ)
    assert child.returncode == -signal.SIGKILL, child.stderr
    bench = Bench(journal)
    try:
        arn = child.stdout.strip()
        bench.clock.until_asked(2)
        assert bench.clock.asked == [99, 99]
        bench.clock.advance(99)
        outcome = bench.ended(arn)
        assert (outcome.status, outcome.output) == ("SUCCEEDED", [1, 2])
        (run,) = bench.ask("ListMapRuns", executionArn=arn)["mapRuns"]
        described = bench.ask("DescribeMapRun", mapRunArn=run["mapRunArn"])
        assert (described["status"], described["itemCounts"]["succeeded"]) == ("SUCCEEDED", 2)
    finally:
        bench.engine.close()
