"""What must not be loaded where it is not needed: looked at in a fresh process."""

import json
import subprocess
import sys

from edgetrain import keys
from edgetrain.tasks import building
from edgetrain.tasks.building import BuiltProgram
from edgetrain.tasks.registry import get_task

HEAVY = ("ai_edge_litert", "keras", "sklearn", "tensorflow")


def loaded(program: str, *arguments: str) -> list[str]:
    """Which of the heavy packages `program` has loaded at its end."""
    report = f"; import json, sys; print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    command = [sys.executable, "-c", program + report, *arguments]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_tasks_are_listed_without_their_libraries():
    assert loaded("from edgetrain.tasks import building, registry, splits; registry.get_task('digits').models()") == []


def test_the_runtime_is_imported_without_litert():
    assert loaded("from edgetrain.runtime import evaluation, program") == []


def test_the_trainers_parent_process_has_no_tensorflow():
    assert loaded("import training_jobs.local, training_jobs.train") == []


def test_a_build_from_the_cache_needs_no_tensorflow(tmp_path):
    task = get_task("digits")
    spec = building.task_spec(task, "cnn", ())
    files = {keys.PROGRAM_FILE: b"p", keys.WEIGHTS_FILE: b"w", keys.SPEC_FILE: spec.model_dump_json().encode()}
    built = BuiltProgram(task.name, "cnn", building._program_id(files), spec, files)
    building._write(tmp_path / task.name / building._cache_key(task, "cnn"), built)
    program = (
        "import sys; from pathlib import Path; from edgetrain.tasks import building, registry;"
        "built = building.load_or_build(registry.get_task('digits'), cache=Path(sys.argv[1]));"
        f"assert built.program_id == {built.program_id!r}"
    )
    assert loaded(program, str(tmp_path)) == []
