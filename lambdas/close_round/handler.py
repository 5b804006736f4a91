"""State CloseRound: `edgetrain.rounds.close_round`."""

from functools import partial

from edgetrain.contracts import RoundRequest
from edgetrain.rounds.close_round import close_round
from edgetrain.rounds.entry import round_stores, serve

handler = serve(RoundRequest, partial(close_round, round_stores()))
