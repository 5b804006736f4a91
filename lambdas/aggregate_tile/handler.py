"""State AggregateTile: `edgetrain.rounds.aggregate_tile`."""

from functools import partial

from edgetrain.contracts import AggregateTileRequest
from edgetrain.rounds.aggregate_tile import aggregate_tile
from edgetrain.rounds.entry import round_stores, serve

handler = serve(AggregateTileRequest, partial(aggregate_tile, round_stores()))
