"""What a training program's signatures are called and take: the contract between the builder and every host.

`gradients(x, y..., mask, learning_rate, w0, w1, ...) -> g0, g1, ..., loss`: g = learning_rate * gradient of the masked mean loss;
`train(the same) -> w0, w1, ..., loss`: the weights after the step;
`infer(x, w0, w1, ...) -> logits`.

Weights go by position, `w0` being the first of `TaskSpec.weights`: a tensor's own name may hold what a signature's may not.
Batches are fixed when the program is built. `mask` [batch] is 1 for an example and 0 for a filler, and labels are float32: XNNPACK
takes no casts and no comparisons.
"""

from collections.abc import Mapping
from typing import Any, Final

from edgetrain.contracts import TaskSpec, TensorSpec
from edgetrain.errors import ProgramInvalid

#: LiteRT keeps signatures in alphabetical order, and the first one is the graph whose tensors can be used in place.
GRADIENTS: Final = "gradients"
INFER: Final = "infer"
TRAIN: Final = "train"

X: Final = "x"
MASK: Final = "mask"
LEARNING_RATE: Final = "learning_rate"
LOSS: Final = "loss"
LOGITS: Final = "logits"


def weight(position: int) -> str:
    """The argument (and output of `train`) that holds the weight at `position` of `TaskSpec.weights`."""
    return f"w{position}"


def gradient(position: int) -> str:
    """The output of `gradients` that belongs to the weight at `position`."""
    return f"g{position}"


def step_inputs(spec: TaskSpec) -> list[TensorSpec]:
    """Arguments of `gradients` and `train`, in order, with the batch in their shapes."""
    batch = spec.program_batch
    return [
        batched(spec.x, X, batch),
        *(batched(y, y.name, batch) for y in spec.y),
        TensorSpec(name=MASK, shape=(batch,)),
        TensorSpec(name=LEARNING_RATE, shape=()),
        *weight_tensors(spec),
    ]


def step_outputs(spec: TaskSpec, name: str) -> list[TensorSpec]:
    """Results of `gradients` or `train`."""
    output = gradient if name == GRADIENTS else weight
    tensors = [tensor.model_copy(update={"name": output(i)}) for i, tensor in enumerate(spec.weights)]
    return [*tensors, TensorSpec(name=LOSS, shape=())]


def infer_inputs(spec: TaskSpec, batch: int) -> list[TensorSpec]:
    """Arguments of `infer`, which may have a batch of its own."""
    return [batched(spec.x, X, batch), *weight_tensors(spec)]


def weight_tensors(spec: TaskSpec) -> list[TensorSpec]:
    """The weights as arguments."""
    return [tensor.model_copy(update={"name": weight(i)}) for i, tensor in enumerate(spec.weights)]


def batched(tensor: TensorSpec, name: str, batch: int) -> TensorSpec:
    """`tensor` as an argument that holds `batch` of it."""
    return TensorSpec(name=name, shape=(batch, *tensor.shape), dtype=tensor.dtype)


def check_tensors(what: str, found: Mapping[str, Mapping[str, Any]], expected: list[TensorSpec]) -> None:
    """`found` (LiteRT's details by name) are the tensors that are expected.

    Raises:
        ProgramInvalid: a tensor is missing, or there is one too many, or its shape or dtype is another.
    """
    names = {tensor.name for tensor in expected}
    if found.keys() != names:
        raise ProgramInvalid(
            f"{what}: missing {sorted(names - found.keys())}, not in task.json {sorted(found.keys() - names)}"
        )
    for tensor in expected:
        shape, dtype = (
            tuple(int(extent) for extent in found[tensor.name]["shape"]),
            found[tensor.name]["dtype"].__name__,
        )
        if (shape, dtype) != (tensor.shape, tensor.dtype):
            raise ProgramInvalid(
                f"{what}, {tensor.name}: is {dtype} {list(shape)}, task.json says {tensor.dtype} {list(tensor.shape)}"
            )
