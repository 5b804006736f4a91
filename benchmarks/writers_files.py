"""Files in LEAF's layout of any size, for measuring the import: random ink, LEAF's numbers of samples."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

PIXELS: Final = 784
WRITERS_A_FILE: Final = 100
#: LEAF's FEMNIST: about 226 samples a writer.
MEAN, DEVIATION = 226, 89


def write_leaf(folder: Path, megabytes: float, seed: int = 0) -> int:
    """Fill `train/` and `test/` until `train/` has this size; returns the bytes of both."""
    rng = np.random.default_rng(seed)
    rows = [json.dumps(row) for row in _images(rng, 200)]  # a text for each of some images: writing stays quick
    size, number = 0, 0
    while size < megabytes * 1e6:
        writers = [f"f{number + each:05d}" for each in range(WRITERS_A_FILE)]
        number += WRITERS_A_FILE
        for half, share in (("train", 0.9), ("test", 0.1)):
            counts = [max(1, round(share * rng.normal(MEAN, DEVIATION))) for _ in writers]
            path = folder / half / f"part-{number:05d}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            written = _write(path, writers, counts, rows, rng, megabytes * 1e6 - size if half == "train" else None)
            size += path.stat().st_size if half == "train" else 0
            if half == "train":
                writers = writers[:written]
    return sum(path.stat().st_size for path in folder.rglob("*.json"))


def _images(rng: np.random.Generator, count: int) -> Iterator[list[float]]:
    for _ in range(count):
        ink = rng.random(PIXELS) < 0.2
        yield np.where(ink, rng.integers(0, 256, PIXELS) / 255, 1.0).tolist()


def _write(
    path: Path, writers: list[str], counts: list[int], rows: list[str], rng: np.random.Generator, most: float | None
) -> int:
    """One file, as LEAF writes it; it ends after `most` bytes. Returns how many writers it has."""
    parts: list[str] = []
    size = 0
    for writer, count in zip(writers, counts, strict=True):
        if most is not None and size > most:
            break
        x = ", ".join(rows[each] for each in rng.integers(0, len(rows), count))
        parts.append(f'"{writer}": {{"x": [{x}], "y": {rng.integers(0, 62, count).tolist()}}}')
        size += len(parts[-1])
    head = json.dumps({"users": writers[: len(parts)], "num_samples": counts[: len(parts)]})
    path.write_text(f'{head[:-1]}, "user_data": {{{", ".join(parts)}}}}}')
    return len(parts)
