"""Recompute every round's model from the objects in RunsBucket, bit for bit, with nothing of Edgetrain's.

    eval "$(edgetrain env)"                      # only for the embedded cloud
    edgetrain runs show RUN --json | python docs/examples/recompute_round.py

Needs boto3, NumPy and safetensors. Each client's update d is weighed by its examples n and becomes the integers rint(n d 2^f),
which are added; of their mean the run's strategy makes a step (docs/reference/run-input.md has the equations), in float64; the next
model is the last one plus that step, rounded to float32 once. Prints a line for each round; exits with 1 when a model is another one
than was published.
"""

import hashlib
import json
import sys

import boto3
import numpy as np
from safetensors.numpy import load


def next_tensor(
    strategy: dict, eta: float, g: np.ndarray, mean: np.ndarray, memory: dict[str, np.ndarray | float]
) -> np.ndarray:
    """One tensor of the next model; `memory` is what the strategy keeps of it from round to round."""
    if strategy["name"] == "fedavg":
        return (g + eta * mean).astype(np.float32)
    if strategy["name"] == "fedavgm":
        memory["m"] = strategy["momentum"] * memory.get("m", 0.0) + mean
        return (g + eta * memory["m"]).astype(np.float32)
    beta, tau, square = strategy["beta_1"], strategy["tau"], mean * mean
    m, v = beta * memory.get("m", 0.0) + (1 - beta) * mean, memory.get("v", tau * tau)
    if strategy["name"] == "fedadagrad":
        v = v + square
    elif strategy["name"] == "fedadam":
        v = strategy["beta_2"] * v + (1 - strategy["beta_2"]) * square
    else:  # fedyogi
        v = v - (1 - strategy["beta_2"]) * square * np.sign(v - square)
    memory["m"], memory["v"] = m, v
    return (g + eta * m / (np.sqrt(v) + tau)).astype(np.float32)


def main() -> int:
    """Check the run on standard input."""
    run = json.load(sys.stdin)
    s3 = boto3.client("s3")

    def read(key: str, sha256: str, **version: str) -> dict[str, np.ndarray]:
        body = s3.get_object(Bucket=run["runs_bucket"], Key=key, **version)["Body"].read()
        if hashlib.sha256(body).hexdigest() != sha256:
            raise SystemExit(f"{key}: the stored bytes do not have the recorded SHA-256")
        return load(body)

    wrong, memories = 0, {}
    strategy = run["input"]["strategy"]
    for each in run["rounds"]:
        base = read(each["global_key"], each["global_sha256"])
        made = read(each["next_global_key"], each["next_global_sha256"])
        fraction = 2.0 ** each["number_format"]["fraction_bits"]
        total = {name: np.zeros(tensor.shape, np.int64) for name, tensor in base.items()}
        weight = 0
        for update in each["updates"]:
            n = update["num_examples"] if strategy["weighting"] == "examples" else 1
            weight += n
            for name, d in read(update["key"], update["sha256"], VersionId=update["version_id"]).items():
                total[name] += np.rint(n * d.astype(np.float64) * fraction).astype(np.int64)
        same = all(
            np.array_equal(
                made[name],
                next_tensor(
                    strategy,
                    each["server_learning_rate"],
                    g,
                    total[name] / (weight * fraction),
                    memories.setdefault(name, {}),
                ),
            )
            for name, g in base.items()
        )
        wrong += not same
        print(f"round {each['round']}: {len(each['updates'])} updates, {'the same bits' if same else 'ANOTHER MODEL'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
