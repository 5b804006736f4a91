"""State PublishModel: `edgetrain.rounds.publish_model`."""

from functools import partial

from edgetrain.contracts import PublishModelRequest
from edgetrain.rounds.entry import round_stores, serve
from edgetrain.rounds.publish_model import publish_model

handler = serve(PublishModelRequest, partial(publish_model, round_stores()))
