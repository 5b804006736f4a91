"""State EvaluateModel: `edgetrain.rounds.evaluate_model`."""

from functools import partial

from edgetrain.contracts import RoundRequest
from edgetrain.rounds.entry import round_stores, serve
from edgetrain.rounds.evaluate_model import evaluate_model
from edgetrain.rounds.train_client import Programs

handler = serve(RoundRequest, partial(evaluate_model, round_stores(), Programs()))
