"""`GET /labels/{task}`: what the classes of a detection are called."""

from edgetrain.api.catalogue import Catalogue
from edgetrain.api.http import REVALIDATE, Request, Response, parameters
from edgetrain.api.messages import Labels


def get_labels(catalogue: Catalogue, request: Request) -> Response:
    """The labels of the version that the task's endpoint serves.

    Raises:
        RequestRefused: there is no such task, or its version has no labels.
    """
    parameters(request)
    task = request.path["task"]
    version = catalogue.labelled(task)
    reply = Labels(task=task, version=version, labels=catalogue.labels(task, version))
    return Response(200, reply, {"Cache-Control": REVALIDATE})
