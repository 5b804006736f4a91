"""The task digits: its data, and that a federation learns it with the task's defaults."""

import numpy as np
import pytest

from edgetrain import keys
from edgetrain.errors import TaskNotFound
from edgetrain.federated import weights
from edgetrain.runtime.evaluation import evaluate
from edgetrain.runtime.program import TrainingProgram
from edgetrain.tasks.registry import get_task, task_names
from edgetrain.tasks.splits import dirichlet

DIGITS = get_task("digits")


def test_the_images_are_real_and_apart():
    data = DIGITS.load()
    assert (data.x.shape, data.test_x.shape) == ((1437, 8, 8, 1), (360, 8, 8, 1))
    assert (data.x.dtype, data.y.dtype) == (np.float32, np.int32)
    assert (data.x.min(), data.x.max()) == (0, 1)
    assert set(data.y) == set(data.test_y) == set(range(10))
    assert 50 < 64 * data.x.std() * data.x.mean() * 10 < 90, "ink on a background"
    trained_on = {image.tobytes() for image in data.x}
    assert sum(image.tobytes() in trained_on for image in data.test_x) <= 1


def test_the_data_are_the_same_every_time():
    first, second = DIGITS.load(), DIGITS.load()
    for name in ("x", "y", "test_x", "test_y"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


def test_tasks_are_found_by_name():
    assert task_names() == ("digits", "femnist")
    assert list(DIGITS.models()) == ["cnn", "mlp"]
    with pytest.raises(TaskNotFound, match="there is no task 'letters': expected one of digits, femnist"):
        get_task("letters")


@pytest.mark.parametrize("seed", [0, 1])
def test_ten_rounds_of_ten_uneven_clients_pass_ninety_percent(digits_program, seed):
    """FedAvg in its plainest form; the demonstration promises 0.90."""
    program = TrainingProgram(digits_program.files[keys.PROGRAM_FILE], digits_program.spec)
    model, data = weights.decode(digits_program.files[keys.WEIGHTS_FILE]), DIGITS.load()
    parts = dirichlet(data.y, 20, 0.3, seed)
    rng = np.random.default_rng(seed)
    first = evaluate(program, model, data.test_x, {"y": data.test_y})
    for _ in range(10):
        sums, examples = {name: np.zeros(array.shape) for name, array in model.items()}, 0
        for client in rng.choice(20, 10, replace=False):
            rows = parts[client]
            outcome = program.train(model, data.x[rows], {"y": data.y[rows]}, DIGITS.client, rng, deadline=None)
            for name, array in outcome.weights.items():
                sums[name] += len(rows) * (array.astype(np.float64) - model[name])
            examples += len(rows)
        model = {name: (array + sums[name] / examples).astype(np.float32) for name, array in model.items()}
    last = evaluate(program, model, data.test_x, {"y": data.test_y})
    assert first["accuracy"] < 0.3
    assert last["accuracy"] >= 0.92
    assert last["loss"] < 0.3
