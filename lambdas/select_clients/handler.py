"""State SelectClients: `edgetrain.rounds.select_clients`."""

from functools import partial

from edgetrain.contracts import RoundRequest
from edgetrain.rounds.entry import round_stores, serve
from edgetrain.rounds.select_clients import select_clients

handler = serve(RoundRequest, partial(select_clients, round_stores()))
