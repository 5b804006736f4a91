"""Reads as much of a Dockerfile as it takes to run an image's program without the image: stages and their instructions."""

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from edgetrain.errors import DeploymentFailed

#: Instructions that say nothing about how the program runs on this machine, or are the caller's to carry out.
KNOWN: Final = frozenset(
    {"FROM", "RUN", "COPY", "WORKDIR", "ENV", "ENTRYPOINT", "CMD", "EXPOSE", "LABEL", "USER", "ARG", "STOPSIGNAL"}
)


@dataclass(frozen=True)
class Instruction:
    """One instruction: its word in capitals, and the rest of the line."""

    word: str
    text: str

    @property
    def arguments(self) -> list[str]:
        """The rest as arguments: JSON (`["python", "-m"]`) or words."""
        if self.text.startswith("["):
            listed = json.loads(self.text)
            return [str(each) for each in listed]
        return shlex.split(self.text)


def stages(text: str) -> dict[str, list[Instruction]]:
    """Stage by its name -> its instructions, those of the stages that it is made from first (without `FROM`).

    Raises:
        DeploymentFailed: an instruction is not known here.
    """
    found: dict[str, list[Instruction]] = {}
    current: list[Instruction] = []
    for instruction in instructions(text):
        if instruction.word == "FROM":
            words = instruction.text.split()
            name = words[2] if len(words) == 3 and words[1].upper() == "AS" else str(len(found))
            current = found[name] = list(found.get(words[0], []))
        else:
            current.append(instruction)
    return found


def instructions(text: str) -> Iterator[Instruction]:
    """All instructions, in order: continued lines joined, comments left out.

    Raises:
        DeploymentFailed: one is not known here.
    """
    kept = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for line in "\n".join(kept).replace("\\\n", " ").splitlines():
        if not line.strip():
            continue
        word, _, rest = line.strip().partition(" ")
        if word.upper() not in KNOWN:
            raise DeploymentFailed(f"the embedded cloud does not know the Dockerfile's instruction {word}")
        yield Instruction(word.upper(), rest.strip())


def entry_point(stage: list[Instruction]) -> list[str]:
    """The program of an image (its last ENTRYPOINT).

    Raises:
        DeploymentFailed: there is none.
    """
    found = [each.arguments for each in stage if each.word == "ENTRYPOINT"]
    if not found:
        raise DeploymentFailed("the image has no ENTRYPOINT: expected the program that answers /ping and /invocations")
    return found[-1]


def environment(stage: list[Instruction]) -> Mapping[str, str]:
    """What ENV sets."""
    pairs = (pair for each in stage if each.word == "ENV" for pair in each.arguments)
    return {name: value for name, _, value in (pair.partition("=") for pair in pairs)}
