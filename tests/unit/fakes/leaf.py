"""Made-up writers in LEAF's layout."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

PIXELS = 784


def samples(count: int, seed: int = 0) -> dict[str, list]:
    """`x` and `y` of one writer: white but for some ink, in steps of 1/255."""
    rng = np.random.default_rng(seed)
    x = np.where(rng.random((count, PIXELS)) < 0.8, 1.0, rng.integers(0, 256, (count, PIXELS)) / 255)
    return {"x": x.tolist(), "y": rng.integers(0, 62, count).tolist()}


def document(writers: Mapping[str, int], seed: int = 0) -> dict[str, Any]:
    """One file's object: so many samples of each writer."""
    data = {name: samples(count, seed + number) for number, (name, count) in enumerate(writers.items())}
    return {"users": list(writers), "num_samples": list(writers.values()), "user_data": data}


def write(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def write_folder(folder: Path, files: Sequence[Mapping[str, int]], *, held_out: int = 2) -> Path:
    """`train/N.json` as asked for, and `test/N.json` with `held_out` samples of each of its writers."""
    for number, writers in enumerate(files):
        write(folder / "train" / f"{number}.json", document(writers, 100 * number))
        write(folder / "test" / f"{number}.json", document(dict.fromkeys(writers, held_out), 100 * number + 50))
    return folder
