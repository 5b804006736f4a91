"""State FailRun: `edgetrain.rounds.fail_run`."""

from functools import partial

from edgetrain.contracts import FailRunRequest
from edgetrain.rounds.entry import round_stores, serve
from edgetrain.rounds.fail_run import fail_run

handler = serve(FailRunRequest, partial(fail_run, round_stores()))
