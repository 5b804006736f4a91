"""Reading a Dockerfile: stages, and what an image runs."""

import pytest

from edgetrain.errors import DeploymentFailed
from edgetrain.local.sagemaker.dockerfile import Instruction, entry_point, environment, instructions, stages

TEXT = """
# a comment
FROM python:3 AS base
ENV ONE=1 TWO="a b"
WORKDIR /opt/program

FROM base AS serve
COPY lock lock
RUN python -m pip install \\
    # in between
    --requirement lock
ENTRYPOINT ["python", "-m", "program"]
CMD ["serve"]
from base as train
ENTRYPOINT python -m train
"""


def test_stages_begin_with_those_that_they_are_made_from():
    found = stages(TEXT)
    assert [each.word for each in found["serve"]] == ["ENV", "WORKDIR", "COPY", "RUN", "ENTRYPOINT", "CMD"]
    assert [each.word for each in found["train"]] == ["ENV", "WORKDIR", "ENTRYPOINT"]


def test_lines_are_continued_and_comments_left_out():
    (run,) = (each for each in instructions(TEXT) if each.word == "RUN")
    assert run.arguments == ["python", "-m", "pip", "install", "--requirement", "lock"]


def test_what_an_image_runs():
    found = stages(TEXT)
    assert entry_point(found["serve"]) == ["python", "-m", "program"]
    assert entry_point(found["train"]) == ["python", "-m", "train"]
    assert environment(found["serve"]) == {"ONE": "1", "TWO": "a b"}
    with pytest.raises(DeploymentFailed, match="ENTRYPOINT"):
        entry_point(found["base"])


def test_an_instruction_that_is_not_known():
    with pytest.raises(DeploymentFailed, match="ONBUILD"):
        list(instructions("FROM a\nONBUILD RUN b\n"))


def test_a_stage_without_a_name_has_its_number():
    assert list(stages("FROM a\nRUN b\nFROM c\n")) == ["0", "1"]
    assert stages("FROM a\nRUN b\n")["0"] == [Instruction("RUN", "b")]
