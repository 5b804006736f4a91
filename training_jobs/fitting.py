"""The Keras part of the central trainer."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from edgetrain.errors import ModelDiverged
from edgetrain.tasks.base import Examples, Task
from edgetrain.tasks.silence import quiet
from training_jobs.hyperparameters import Hyperparameters

METRICS: Final = (
    "train_loss",
    "train_accuracy",
    "validation_loss",
    "validation_accuracy",
    "test_loss",
    "test_accuracy",
)


def fit(
    task: Task, name: str, data: Examples, wanted: Hyperparameters, say: Callable[[str], None]
) -> tuple[Any, dict[str, float]]:
    """Adam until the validation loss has not fallen for `patience` epochs; the best epoch's weights stay.

    The same examples and hyperparameters give the same model, on one kind of machine. `say` gets a line of metrics for each epoch.
    Returns the Keras model and its metrics: `accuracy` and `loss` on the test part, those of training and validation, and `epochs`.

    Raises:
        ModelDiverged: the loss stopped being a number.
    """
    with quiet():
        import keras
        import tensorflow as tf

        from edgetrain.tasks.exporting import seeded

        tf.config.experimental.enable_op_determinism()
        model = seeded(task.models()[name], wanted.seed)
    model.compile(
        optimizer=keras.optimizers.Adam(wanted.learning_rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
    )
    train, validation = split(len(data.y), wanted)
    batches = tf.data.Dataset.from_tensor_slices((data.x[train], data.y[train]))
    batches = batches.cache().shuffle(len(train), seed=wanted.seed).batch(wanted.batch_size).prefetch(tf.data.AUTOTUNE)
    test = tf.data.Dataset.from_tensor_slices((data.test_x, data.test_y)).batch(wanted.batch_size).cache()

    def epoch_ended(epoch: int, logs: Mapping[str, float]) -> None:
        say(f"epoch={epoch + 1} {pairs(_metrics(logs, _measure(model, test)))}")

    history = model.fit(
        batches,
        validation_data=(data.x[validation], data.y[validation]),
        epochs=wanted.epochs,
        verbose=0,
        shuffle=False,  # the batches are shuffled already
        callbacks=[
            keras.callbacks.TerminateOnNaN(),
            keras.callbacks.LambdaCallback(on_epoch_end=epoch_ended),
            keras.callbacks.EarlyStopping("val_loss", patience=wanted.patience, restore_best_weights=True),
        ],
    ).history
    return model, _kept(history, _measure(model, test), say)


def split(examples: int, wanted: Hyperparameters) -> tuple[Any, Any]:
    """Row numbers to train on, and row numbers that decide when to stop. One example alone is both."""
    order = np.random.default_rng(wanted.seed).permutation(examples)
    held_out = min(max(1, round(wanted.validation_share * examples)), max(1, examples - 1))
    return (order[held_out:] if examples > 1 else order), order[:held_out]


def pairs(metrics: Mapping[str, float]) -> str:
    """`name=value` for each, as `METRIC_DEFINITIONS` finds them."""
    return " ".join(f"{name}={value:.6g}" for name, value in metrics.items())


def _kept(history: Mapping[str, list[float]], test: dict[str, float], say: Callable[[str], None]) -> dict[str, float]:
    """The metrics of the epoch whose weights stay."""
    losses = history["val_loss"]
    if not (losses and all(map(math.isfinite, [*losses, test["loss"]]))):
        raise ModelDiverged(f"the loss is no number after {len(losses)} epochs: a smaller learning rate may help")
    best = int(np.argmin(losses))
    found = _metrics({name: values[best] for name, values in history.items()}, test)
    say(f"kept epoch={best + 1} {pairs({name: found[name] for name in ('test_loss', 'test_accuracy')})}")
    kept = {name: value for name, value in found.items() if not name.startswith("test_")}
    return {**test, **kept, "epochs": float(len(losses))}


def _metrics(logs: Mapping[str, float], test: Mapping[str, float]) -> dict[str, float]:
    """Keras's names made ours, in the order of `METRICS`."""
    values = (logs["loss"], logs["accuracy"], logs["val_loss"], logs["val_accuracy"], test["loss"], test["accuracy"])
    return dict(zip(METRICS, map(float, values), strict=True))


def _measure(model: Any, test: Any) -> dict[str, float]:
    found: Mapping[str, float] = model.evaluate(test, verbose=0, return_dict=True)
    return {"accuracy": float(found["accuracy"]), "loss": float(found["loss"])}
