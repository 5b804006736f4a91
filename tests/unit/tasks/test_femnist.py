"""The task femnist: LEAF's classes and network, and that both its models can be lowered."""

import pytest

from edgetrain import keys
from edgetrain.errors import UsageError
from edgetrain.federated import weights
from edgetrain.runtime.program import TrainingProgram
from edgetrain.tasks.building import build_program
from edgetrain.tasks.registry import get_task

FEMNIST = get_task("femnist")


def test_the_classes_are_in_leafs_order():
    assert len(FEMNIST.labels) == 62
    assert [FEMNIST.labels.index(label) for label in "09AZaz"] == [0, 9, 10, 35, 36, 61]


def test_it_brings_no_data():
    with pytest.raises(UsageError, match="import LEAF's with `--leaf DIR`"):
        FEMNIST.load()


#: Weights of LEAF's network: 5x5 convolutions of 32 and 64 over 28x28, two halvings, 2048, 62.
LEAF = {
    "conv1/kernel": (5, 5, 1, 32),
    "conv1/bias": (32,),
    "conv2/kernel": (5, 5, 32, 64),
    "conv2/bias": (64,),
    "dense1/kernel": (7 * 7 * 64, 2048),
    "dense1/bias": (2048,),
    "logits/kernel": (2048, 62),
    "logits/bias": (62,),
}


def test_leafs_network_is_lowered():
    """Building checks the program against Keras: its answers, a step and the loss."""
    built = build_program(FEMNIST)
    assert built.model == "cnn"
    assert {spec.name: spec.shape for spec in built.spec.weights} == LEAF
    assert built.spec.parameters == 6_603_710
    TrainingProgram(built.files[keys.PROGRAM_FILE], built.spec)
    assert {name: array.shape for name, array in weights.decode(built.files[keys.WEIGHTS_FILE]).items()} == LEAF


def test_the_small_network_is_of_the_same_kind():
    small = FEMNIST.models()["small"]()
    names = [type(layer).__name__ for layer in small.layers]
    assert names == [type(layer).__name__ for layer in FEMNIST.models()["cnn"]().layers]
    assert small.count_params() == 117_694
    assert list(FEMNIST.models()) == ["cnn", "small"]
