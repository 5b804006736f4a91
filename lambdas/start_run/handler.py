"""State StartRun: `edgetrain.rounds.start_run`."""

from functools import partial

from edgetrain.contracts import StartRunRequest
from edgetrain.rounds.entry import round_stores, serve
from edgetrain.rounds.start_run import start_run

handler = serve(StartRunRequest, partial(start_run, round_stores()))
