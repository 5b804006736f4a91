"""`POST /detections`: keep the picture, ask the endpoint, tell what is in it."""

import re
import uuid
from typing import Final

from edgetrain import keys, limits
from edgetrain.api.http import NO_STORE, Request, Response, parameters, shown, whole
from edgetrain.api.pictures import metadata_name, sent_picture
from edgetrain.api.ports import Endpoints, PictureStore
from edgetrain.detection.pictures import JPEG, PNG, media_type, shrink
from edgetrain.errors import RequestRefused

DEFAULT_TASK: Final = "objects"
#: Content -> how the key of its picture ends.
EXTENSIONS: Final = {JPEG: "jpg", PNG: "png"}
#: A number as JSON has them.
NUMBER: Final = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,400})?(?:[eE][+-]?[0-9]{1,4})?", re.ASCII)
PICTURE_ID: Final = "X-Picture-Id"
MODEL_VERSION: Final = "X-Model-Version"


def detect_objects(pictures: PictureStore | None, endpoints: Endpoints, request: Request) -> Response:
    """What is in the picture, best first. `pictures` is None where none are kept.

    The request is checked whole, and the picture decoded, before anything is stored; the picture is stored as it was sent,
    before the endpoint is asked. The endpoint sees it upright and at most 1024 pixels wide or high.

    Raises:
        RequestRefused: a parameter, the body or `file` is wrong, or no such task is served.
        PictureInvalid: the bytes are no picture that is accepted.
        ServiceBusy: the picture cannot be stored, or the endpoint does not answer.
    """
    asked = parameters(request, "task", "min_score", "max_detections")
    task = asked.get("task", DEFAULT_TASK)
    if task not in endpoints.tasks:
        raise RequestRefused(
            f"no task {shown(task)} is served: expected one of {', '.join(sorted(endpoints.tasks))}",
            code="task_not_found",
        )
    min_score = _share("min_score", asked["min_score"]) if "min_score" in asked else None
    most = (
        whole("max_detections", asked["max_detections"], limits.MAX_DETECTIONS) if "max_detections" in asked else None
    )
    sent = sent_picture(request)
    small = shrink(sent.body)
    headers = {"Cache-Control": NO_STORE}
    if pictures is not None:
        headers[PICTURE_ID] = _keep(pictures, sent.body, sent.name)
    found = endpoints.detect(task, small.body, JPEG, min_score=min_score, max_detections=most)
    if found.version is not None:
        headers[MODEL_VERSION] = found.version
    return Response(200, [{"prediction": found.rows}], headers)


def _keep(pictures: PictureStore, body: bytes, name: str) -> str:
    """Store the picture under an id of ours, which is returned."""
    kind = media_type(body) or JPEG
    picture_id = str(uuid.uuid4())
    pictures.keep(
        keys.incoming_picture(picture_id, EXTENSIONS[kind]), body, content_type=kind, name=metadata_name(name)
    )
    return picture_id


def _share(name: str, value: str) -> float:
    if not NUMBER.fullmatch(value) or not 0 <= float(value) <= 1:
        raise RequestRefused(
            f"{name} is {shown(value)}: expected a number from 0 to 1, like 0.35", code="parameter_invalid"
        )
    return float(value)
