"""How a metric spreads over clients: the mean hides those that the model serves badly."""

from collections.abc import Sequence
from math import fsum

import numpy as np

from edgetrain.contracts import ClientEvaluation, MetricSpread

#: Metrics of which less is better; of all others, more is.
LESS_IS_BETTER = {"loss"}


def spread_of(evaluations: Sequence[ClientEvaluation]) -> dict[str, MetricSpread]:
    """Of each metric that the clients' evaluations have; empty without clients.

    `weighted_mean` is weighted by examples, `mean` counts every client once; the percentiles are over clients, linear between two of them.
    Of equally bad clients the first one is the worst.
    """
    found = {}
    for metric in evaluations[0].metrics if evaluations else ():
        values = [each.metrics[metric] for each in evaluations]
        examples = [each.examples for each in evaluations]
        at = values.index(max(values) if metric in LESS_IS_BETTER else min(values))
        low, middle, high = (float(each) for each in np.percentile(values, (10, 50, 90)))
        found[metric] = MetricSpread(
            clients=len(values),
            mean=fsum(values) / len(values),
            weighted_mean=fsum(n * value for n, value in zip(examples, values, strict=True)) / sum(examples),
            p10=low,
            p50=middle,
            p90=high,
            worst=values[at],
            worst_client=evaluations[at].client,
        )
    return found
