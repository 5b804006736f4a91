"""How a generated writer writes: what is personal, and a sheet of letters by this hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from edgetrain.datasets.glyphs import CAPITAL, SQUARE, Alphabet, Ink

#: Pixels of an image, and samples of each pixel along a side (their mean is the pixel).
SIDE: Final = 28
FINE: Final = 3
#: Images that are drawn at a time: what is in memory is a few numbers for each of their fine samples.
AT_ONCE: Final = 64
#: One letter in so many comes from another alphabet than the writer's own.
STRANGE: Final = 0.15
#: LEAF's FEMNIST: 805,263 samples of 3,550 writers, mean 226.83, standard deviation 88.94.
MEAN_SAMPLES: Final = 226.83
DEVIATION: Final = 88.94
FEWEST_SAMPLES, MOST_SAMPLES = 19, 600
#: Digits, capitals and small letters in EMNIST's ByClass, which LEAF's writers come from.
GROUPS: Final = ((10, 0.495), (26, 0.27), (26, 0.235))
FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Hand:
    """A writer. Lengths are pixels of the image, `size` a capital's height; `slant` is right per up, `turn` radians.

    `pressure` makes ink darker, `unsteady` makes each letter differ from the last; `shares` of the labels add to 1.
    """

    slant: float
    turn: float
    width: float
    size: float
    pen: float
    pressure: float
    wave: float
    wave_length: float
    unsteady: float
    samples: int
    shares: npt.NDArray[np.float64]
    #: Which alphabet each label's letter is taken from.
    sources: IntArray


def draw_hand(rng: np.random.Generator, alphabets: int) -> Hand:
    """A writer by chance, with a number of samples that is spread as LEAF's are (log-normal, cut at both ends)."""
    spread = np.sqrt(np.log1p((DEVIATION / MEAN_SAMPLES) ** 2))
    samples = rng.lognormal(np.log(MEAN_SAMPLES) - spread**2 / 2, spread)
    labels = sum(count for count, _ in GROUPS)
    own, strange = rng.integers(alphabets), rng.random(labels) < STRANGE
    return Hand(
        slant=rng.normal(0.12, 0.2),
        turn=rng.normal(0, 0.06),
        width=rng.lognormal(-0.05, 0.15),
        size=float(np.clip(rng.normal(9.5, 1.6), 6, 15)),
        pen=rng.uniform(0.8, 1.6),
        pressure=rng.uniform(0.95, 1.4),
        wave=abs(rng.normal(0, 0.4)),
        wave_length=rng.uniform(8, 20),
        unsteady=rng.uniform(0.5, 1.6),
        samples=int(np.clip(round(samples), FEWEST_SAMPLES, MOST_SAMPLES)),
        shares=_label_shares(rng),
        sources=np.where(strange, rng.integers(alphabets, size=labels), own),
    )


def _label_shares(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """How often each label is written: what a writer writes much of is personal, too."""
    groups = rng.dirichlet([20 * share for _, share in GROUPS])
    return np.concatenate(
        [share * rng.dirichlet(np.full(count, 3.0)) for (count, _), share in zip(GROUPS, groups, strict=True)]
    )


def write(
    hand: Hand, labels: IntArray, letters: Sequence[str], alphabets: Sequence[Alphabet], rng: np.random.Generator
) -> FloatArray:
    """An image of each label: [n, 28, 28], background 1.0, ink 0.0, in steps of 1/255. `letters` are the labels' names."""
    pen = hand.pen * CAPITAL / hand.size
    used, which = np.unique(labels, return_inverse=True)
    inks = np.stack([alphabets[hand.sources[label]].draw(letters[label], pen) for label in used])
    parts = [which[start : start + AT_ONCE] for start in range(0, len(which), AT_ONCE)]
    return np.concatenate([_images(hand, inks, part, rng) for part in parts])


def _images(hand: Hand, inks: Ink, which: npt.NDArray[np.intp], rng: np.random.Generator) -> FloatArray:
    """Look up, for each fine sample of an image, the point of the glyph that the hand carried there."""
    places = [_pixel(each * np.float32(CAPITAL / hand.size)) for each in _glyph_points(hand, len(which), rng)]
    right, down = places
    first = which.astype(np.int32)[:, None, None] * (SQUARE * SQUARE)
    found = inks.reshape(-1)[first + down * SQUARE + right]
    covered = found.reshape(len(which), SIDE, FINE, SIDE, FINE).mean((2, 4), dtype=np.float32)
    images: FloatArray = np.rint(np.clip(255 - hand.pressure * covered, 0, 255)).astype(np.float32) / np.float32(255)
    return images


def _pixel(places: FloatArray) -> npt.NDArray[np.int32]:
    """Columns or rows of a glyph's square; what lies outside is at its edge, where no ink is."""
    pixels: npt.NDArray[np.int32] = np.clip(places + np.float32(SQUARE / 2), 0, SQUARE - 1).astype(np.int32)
    return pixels


def _glyph_points(hand: Hand, count: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Of every fine sample of so many images, the place on the upright, steady letter (right and down from its middle)."""

    def each(deviation: float) -> FloatArray:
        return rng.normal(0, deviation * hand.unsteady, (count, 1, 1)).astype(np.float32)

    steps = ((np.arange(SIDE * FINE) + 0.5) / FINE - SIDE / 2).astype(np.float32)
    across, along = steps[None, None, :] - each(0.4), steps[None, :, None] - each(0.4)
    turn, slant = np.float32(hand.turn) + each(0.05), np.float32(hand.slant) + each(0.06)
    larger, wider = np.exp(each(0.06)), np.float32(hand.width) * np.exp(each(0.06))
    y = np.cos(turn) * along - np.sin(turn) * across
    x = np.cos(turn) * across + np.sin(turn) * along + slant * y
    phases = rng.uniform(0, 2 * np.pi, (2, count, 1, 1)).astype(np.float32)
    wave, often = np.float32(hand.wave) + abs(each(0.15)), np.float32(2 * np.pi / hand.wave_length)
    # The waves run along the image's own axes: a sine for each row and column, and none for each point.
    x = x + wave * np.sin(often * along + phases[0])
    y = y + wave * np.sin(often * across + phases[1])
    return x / (wider * larger), y / larger
