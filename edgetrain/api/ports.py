"""What the routes ask of the services behind them. Each raises `ServiceBusy` when its service cannot answer."""

from collections.abc import Collection, Iterator
from typing import Protocol

Row = list[int | float]


class Found(Protocol):
    """What an endpoint found."""

    @property
    def rows(self) -> list[Row]:
        """Rows [class, score, xmin, ymin, xmax, ymax], best first."""
        ...

    @property
    def version(self) -> str | None:
        """The version that it serves, if it said so."""
        ...


class Endpoints(Protocol):
    """The endpoints of the served tasks."""

    @property
    def tasks(self) -> Collection[str]:
        """Tasks that have one."""
        ...

    def detect(
        self, task: str, picture: bytes, media_type: str, *, min_score: float | None, max_detections: int | None
    ) -> Found:
        """What is in a JPEG or PNG picture; None leaves a setting to the detector."""
        ...


class PictureStore(Protocol):
    """Where pictures lie for a day."""

    def keep(self, key: str, body: bytes, *, content_type: str, name: str) -> None:
        """Store a picture with its sender's name (ASCII, perhaps empty) as metadata."""
        ...


class VersionStore(Protocol):
    """The bucket of published versions."""

    def get(self, key: str) -> bytes:
        """The whole object.

        Raises:
            ObjectNotFound: there is none.
        """
        ...

    def keys(self, prefix: str) -> Iterator[str]:
        """Keys that begin with `prefix`, in order."""
        ...

    def presigned(self, key: str, *, seconds: int) -> str:
        """An address from which anybody may read the object for so long."""
        ...
