"""SageMaker's endpoints behind a port: a picture in, detections out, and each failure under a name of ours."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError, ReadTimeoutError
from pydantic import BaseModel, Field, ValidationError

from edgetrain.errors import ServiceBusy
from edgetrain.stores.failures import TRANSIENT, code_of

if TYPE_CHECKING:
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

#: The endpoint takes no more now, or has not woken up: the same request soon after may do.
BUSY: Final = frozenset(
    {"ModelNotReadyException", "ThrottlingException", "ServiceUnavailable", "ServiceUnavailableException"}
)
#: The container answered, with an error.
FAILED: Final = frozenset({"ModelError"})
#: Seconds until another try makes sense.
SOON: Final = 2
LATER: Final = 10

Share = Annotated[float, Field(ge=0, le=1)]


class _Answer(BaseModel):
    """What the serving program says (SageMaker's shape for object detection)."""

    prediction: list[tuple[Annotated[int, Field(ge=0)], Share, Share, Share, Share, Share]]


@dataclass(frozen=True)
class EndpointAnswer:
    """Rows [class, score, xmin, ymin, xmax, ymax], best first, and the version that the endpoint serves, if it said so."""

    rows: list[list[int | float]]
    version: str | None


class SageMakerEndpoints:
    """The endpoints of the served tasks, by task."""

    def __init__(self, client: "SageMakerRuntimeClient", names: Mapping[str, str]) -> None:
        self._client = client
        self._names = names

    @property
    def tasks(self) -> Collection[str]:
        """Tasks that have an endpoint."""
        return self._names.keys()

    def detect(
        self, task: str, picture: bytes, media_type: str, *, min_score: float | None, max_detections: int | None
    ) -> EndpointAnswer:
        """What the endpoint of `task` finds in a picture; a setting that is None is the detector's own.

        Raises:
            ServiceBusy: it does not answer, answers with an error, or with what is no answer.
        """
        asked = [] if min_score is None else [f"min_score={min_score:.6f}"]
        asked += [] if max_detections is None else [f"max_detections={max_detections}"]
        attributes = ";".join(asked)
        custom: Any = {"CustomAttributes": attributes} if attributes else {}
        try:
            reply = self._client.invoke_endpoint(
                EndpointName=self._names[task],
                Body=picture,
                ContentType=media_type,
                Accept="application/json",
                **custom,
            )
            body = reply["Body"].read()
        except ClientError as error:
            raise _refused(error) from error
        except ReadTimeoutError as error:
            raise ServiceBusy("the endpoint did not answer in time", code="too_slow", retry_after=LATER) from error
        except (ConnectionError, HTTPClientError) as error:
            raise ServiceBusy(
                "the endpoint cannot be reached", code="endpoint_unavailable", retry_after=LATER
            ) from error
        try:
            answer = _Answer.model_validate_json(body)
        except ValidationError as error:
            raise ServiceBusy(
                "the endpoint's answer cannot be read", code="endpoint_failed", retry_after=LATER
            ) from error
        return EndpointAnswer([list(row) for row in answer.prediction], _version(reply.get("CustomAttributes", "")))


def _refused(error: ClientError) -> ServiceBusy:
    code = code_of(error)
    if code in BUSY:
        return ServiceBusy("the endpoint is busy or just waking up", code="endpoint_busy", retry_after=SOON)
    if code in FAILED:
        return ServiceBusy("the endpoint answered with an error", code="endpoint_failed", retry_after=LATER)
    if code in TRANSIENT:
        return ServiceBusy("the endpoint does not answer", code="endpoint_unavailable", retry_after=SOON)
    # It is not there, or may not be asked: a person has to mend it, and the log has AWS's own words.
    return ServiceBusy("the endpoint does not answer", code="endpoint_unavailable", retry_after=LATER)


def _version(attributes: str) -> str | None:
    """`version` out of `task=objects;version=1`."""
    pairs = (pair.partition("=") for pair in attributes.split(";"))
    return next((value for name, _, value in pairs if name.strip() == "version" and value.isdecimal()), None)
