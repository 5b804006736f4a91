"""Published versions as the API reads them. A version never changes: what was read of one is kept; what is newest is asked anew."""

from collections.abc import Callable
from functools import lru_cache
from typing import Final, TypeVar

from pydantic import ValidationError

from edgetrain import keys
from edgetrain.api.http import WHOLE, shown
from edgetrain.api.ports import VersionStore
from edgetrain.contracts import Contract, DetectorSpec, Manifest, ServedPointer, TaskSpec
from edgetrain.errors import DataInvalid, ObjectNotFound, RequestRefused

Record = TypeVar("Record", bound=Contract)
#: Manifests that a warm function remembers; each has a few kilobytes.
REMEMBERED: Final = 512
#: The version that an endpoint starts with, when none was promoted.
FIRST: Final = 1


class Catalogue:
    """The versions in one bucket."""

    def __init__(self, store: VersionStore) -> None:
        self._store = store
        self._stored: Callable[[str], bytes] = lru_cache(REMEMBERED)(store.get)

    def versions(self, task: str) -> list[int]:
        """The published versions of a task, newest first: those whose manifest is there.

        Raises:
            RequestRefused: there is none, or no task can be called so.
        """
        prefix = keys.models_prefix(checked_task(task))
        found = (key.removeprefix(prefix).split("/") for key in self._store.keys(prefix))
        numbers = [
            int(parts[0])
            for parts in found
            if len(parts) == 2 and parts[1] == keys.MANIFEST_FILE and WHOLE.fullmatch(parts[0])
        ]
        if not numbers:
            raise _no_task(task)
        return sorted(numbers, reverse=True)

    def manifest_bytes(self, task: str, version: int) -> bytes:
        """A version's manifest as it is stored.

        Raises:
            RequestRefused: there is no such version.
        """
        try:
            return self._stored(keys.model_file(checked_task(task), version, keys.MANIFEST_FILE))
        except ObjectNotFound as error:
            raise RequestRefused(f"task {task} has no version {version}", code="version_not_found") from error

    def manifest(self, task: str, version: int) -> Manifest:
        """A version's manifest.

        Raises:
            RequestRefused: there is no such version.
            DataInvalid: what is stored is no manifest.
        """
        return _record(Manifest, self.manifest_bytes(task, version), f"the manifest of {task}, version {version}")

    def labelled(self, task: str) -> int:
        """The version whose classes the task's endpoint tells; of a task that has no endpoint, the newest.

        Raises:
            RequestRefused: the task has no published version.
        """
        try:
            pointer = self._store.get(keys.served_pointer(checked_task(task)))
        except ObjectNotFound:
            versions = self.versions(task)
            return FIRST if FIRST in versions and self._is_detector(task, FIRST) else versions[0]
        return _record(ServedPointer, pointer, f"what is served of {task}").version

    def labels(self, task: str, version: int) -> tuple[str, ...]:
        """The names of a version's classes.

        Raises:
            RequestRefused: the version has neither detector.json nor task.json.
        """
        what = f"the labels of {task}, version {version}"
        kinds: dict[str, type[DetectorSpec | TaskSpec]] = {keys.DETECTOR_FILE: DetectorSpec, keys.SPEC_FILE: TaskSpec}
        for name, kind in kinds.items():
            try:
                body = self._stored(keys.model_file(task, version, name))
            except ObjectNotFound:
                continue
            return tuple(_record(kind, body, what).labels)
        raise RequestRefused(f"task {task}, version {version}, has no labels", code="file_not_found")

    def _is_detector(self, task: str, version: int) -> bool:
        names = {entry.name for entry in self.manifest(task, version).files}
        return keys.DETECTOR_FILE in names


def checked_task(task: str) -> str:
    """`task`, when a task can be called so.

    Raises:
        RequestRefused: it cannot: so there is none.
    """
    try:
        return keys.checked_id(task, "task")
    except ValueError as error:
        raise _no_task(task) from error


def checked_version(text: str) -> int:
    """The number of a version.

    Raises:
        RequestRefused: it is not a whole number, 1 or above.
    """
    if not WHOLE.fullmatch(text) or int(text) < 1:
        raise RequestRefused(f"the version is {shown(text)}: expected a whole number from 1", code="version_invalid")
    return int(text)


def _no_task(task: str) -> RequestRefused:
    return RequestRefused(f"no version of a task {shown(task)} was published", code="task_not_found")


def _record(kind: type[Record], body: bytes, what: str) -> Record:
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise DataInvalid(f"{what} cannot be read: {error.errors()[0]['msg']}") from error
