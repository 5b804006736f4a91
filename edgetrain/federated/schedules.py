"""Learning rates over the rounds of a run: a function of the round's number and of nothing else.

With r = 1..R the round and R the run's `rounds`, a rate is multiplied by

    constant       1
    cosine         F + (1 - F) (1 + cos(pi (r - 1) / R)) / 2     falls from 1 towards F (`final`), which it would reach in round R + 1
    exponential    G^(r - 1)                                     G is `gamma`
    step           G^floor((r - 1) / E)                          E is `every`, in rounds

Cosine: Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts" (ICLR 2017), equation 5, without restarts.

A cosine may differ in its last bit between two machines. So SelectClients computes a round's rates once and writes them
into the cohort, and everybody else reads them there.
"""

from math import cos, pi

from edgetrain.contracts import Cohort, RunRecord, Schedule


def factor(schedule: Schedule | None, round_number: int, rounds: int) -> float:
    """What the rate is multiplied by in round `round_number` (1 to `rounds`); 1 without a schedule."""
    if schedule is None or schedule.name == "constant":
        return 1.0
    done = round_number - 1
    final, gamma, every = schedule.final or 0.0, schedule.gamma or 1.0, schedule.every or 1
    if schedule.name == "cosine":
        return final + (1 - final) * (1 + cos(pi * done / rounds)) / 2
    return float(gamma ** (done // every))


def scheduled(rate: float, schedule: Schedule | None, round_number: int, rounds: int) -> float | None:
    """The rate of a round, or None where there is no schedule: what goes into the cohort."""
    return None if schedule is None else rate * factor(schedule, round_number, rounds)


def client_rate(run: RunRecord, cohort: Cohort) -> float:
    """The clients' learning rate in the cohort's round."""
    return run.client.learning_rate if cohort.client_learning_rate is None else cohort.client_learning_rate


def server_rate(run: RunRecord, cohort: Cohort) -> float:
    """The server's learning rate in the cohort's round."""
    rate = cohort.server_learning_rate
    return run.input.strategy.server_learning_rate if rate is None else rate
