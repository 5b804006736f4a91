"""State TrainClient: `edgetrain.rounds.train_client`."""

from functools import partial

from edgetrain.contracts import TrainClientRequest
from edgetrain.rounds.entry import round_stores, serve
from edgetrain.rounds.train_client import Programs, train_client

handler = serve(TrainClientRequest, partial(train_client, round_stores(), Programs()))
