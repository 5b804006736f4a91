"""Route POST /detections: `edgetrain.api.detect_objects`."""

from functools import partial

from edgetrain import limits
from edgetrain.api.deadline import Deadline
from edgetrain.api.detect_objects import detect_objects
from edgetrain.api.entry import endpoints, pictures, serve

deadline = Deadline(limits.DETECTION_SECONDS)
handler = serve(partial(deadline.call, partial(detect_objects, pictures(), endpoints())))
