"""The container's HTTP interface: `GET /ping` and `POST /invocations`."""

import json
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

from werkzeug.wrappers import Request, Response

from edgetrain.errors import PictureInvalid
from training_jobs.serve.pool import Busy, DetectorPool, Found
from training_jobs.serve.reading import ATTRIBUTES, JSON, Refused, read_pictures, read_wishes

#: What is too much of a picture is told by 413; any other fault of it by 400.
TOO_LARGE: Final = frozenset({"picture_too_large", "picture_dimensions"})
METHODS: Final = {"/ping": "GET", "/invocations": "POST"}
RETRY_AFTER_SECONDS: Final = 1

Log = Callable[..., None]


class ServingApplication:
    """A WSGI application over a pool of detectors of one version."""

    def __init__(self, pool: DetectorPool, *, task: str, version: int, log: Log) -> None:
        self._pool = pool
        self._attributes = f"task={task};version={version}"
        self._log = log

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        return self._answer(Request(environ))(environ, start_response)

    def _answer(self, request: Request) -> Response:
        method = METHODS.get(request.path)
        if method is None:
            return _error(404, "not_found", f"there is no {request.path}: expected {' or '.join(METHODS)}")
        if request.method != method:
            answer = _error(405, "method_not_allowed", f"{request.path} takes {method}")
            answer.headers["Allow"] = method
            return answer
        if request.path == "/ping":
            return Response(status=200)
        began = time.monotonic()
        answer = self._invoked(request)
        milliseconds = round((time.monotonic() - began) * 1000, 1)
        self._log("invocation", status=answer.status_code, ms=milliseconds, bytes=request.content_length)
        return answer

    def _invoked(self, request: Request) -> Response:
        try:
            answer = self._detected(request)
        except Refused as refused:
            answer = _error(refused.status, refused.code, str(refused))
        except PictureInvalid as error:
            answer = _error(413 if error.code in TOO_LARGE else 400, error.code, str(error))
        except Busy as error:
            answer = _error(503, "busy", f"{error}: try again")
            answer.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        except Exception as error:  # the next request may be fine: the container goes on
            self._log("failure", level="ERROR", error=f"{type(error).__name__}: {error}")
            answer = _error(500, "internal", "the model failed; the container's log says why")
        if answer.status_code == 413:
            answer.headers["Connection"] = "close"  # the rest of the body is not read
        answer.headers[ATTRIBUTES] = self._attributes
        return answer

    def _detected(self, request: Request) -> Response:
        if request.accept_mimetypes and request.accept_mimetypes.best_match([JSON]) is None:
            raise Refused(406, "not_acceptable", f"accept {request.headers['Accept']}: {JSON} is what there is")
        wishes = read_wishes(request.headers.get(ATTRIBUTES, ""))
        pictures, is_batch = read_pictures(request)
        found = self._pool.detect(pictures, min_score=wishes.min_score, max_detections=wishes.max_detections)
        if is_batch:
            return _json(200, {"predictions": [_prediction(each) for each in found]})
        return _json(200, _prediction(found[0]))


def _prediction(found: Found) -> dict[str, Any]:
    """SageMaker's object-detection shape."""
    return {"prediction": [detection.row() for detection in found]}


def _error(status: int, code: str, message: str) -> Response:
    return _json(status, {"error": {"code": code, "message": message}})


def _json(status: int, document: dict[str, Any]) -> Response:
    return Response(json.dumps(document), status=status, mimetype=JSON)
