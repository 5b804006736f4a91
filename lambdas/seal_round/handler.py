"""State SealRound: `edgetrain.rounds.seal_round`."""

from functools import partial

from edgetrain.contracts import RoundRequest
from edgetrain.rounds.entry import round_stores, serve
from edgetrain.rounds.seal_round import seal_round

handler = serve(RoundRequest, partial(seal_round, round_stores()))
