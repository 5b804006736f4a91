"""A program is one XNNPACK partition: an operator that falls off it runs many times slower and splits the graph."""

import numpy as np
import pytest
import tensorflow as tf

from edgetrain.runtime import signatures
from edgetrain.tasks.lowering import Chain
from tests.unit.tasks.networks import NETWORKS, exported, interpreter


def partitions(program: bytes) -> tuple[int, set[str]]:
    """How many XNNPACK partitions the first graph has, and which operators feed one or give a result beside them."""
    loaded = interpreter(program)
    loaded.allocate_tensors()
    operators = loaded._get_ops_details()
    delegates = [operator for operator in operators if operator["op_name"] == "DELEGATE"]
    taken = {int(tensor) for delegate in delegates for tensor in delegate["inputs"]}
    given = {int(tensor) for delegate in delegates for tensor in delegate["outputs"]}
    results = {int(detail["index"]) for detail in loaded.get_output_details()}
    outside = {
        operator["op_name"]
        for operator in operators
        if operator["op_name"] != "DELEGATE" and (taken | (results - given)) & {int(t) for t in operator["outputs"]}
    }
    return len(delegates), outside


@pytest.mark.parametrize("network", NETWORKS)
def test_gradients_are_one_partition(network):
    assert partitions(exported(network).program) == (1, set())


@pytest.mark.parametrize("signature", [signatures.TRAIN, signatures.INFER])
@pytest.mark.parametrize("network", ["digits-cnn", "digits-mlp", "valid-without-bias", "series", "means"])
def test_train_and_infer_are_one_partition(network, signature):
    assert partitions(exported(network).only(signature)) == (1, set())


def test_an_operator_that_falls_off_is_seen(monkeypatch):
    forward = Chain.forward
    cast = lambda chain, x, weights: forward(chain, tf.cast(tf.cast(x, tf.int32), tf.float32), weights)  # noqa: E731
    monkeypatch.setattr(Chain, "forward", cast)
    _, outside = partitions(exported("one-layer").only(signatures.INFER))
    assert "CAST" in outside


@pytest.mark.parametrize("network", ["digits-cnn", "one-layer"])
def test_equal_models_give_equal_bytes(network):
    program = exported(network)
    again = exported.__wrapped__(network)
    assert (again.program, again.spec) == (program.program, program.spec)
    for name, array in program.weights.items():
        np.testing.assert_array_equal(again.weights[name], array)
