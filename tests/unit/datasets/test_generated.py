"""Generated writers: the same by the same seed, each with a hand of its own, and as uneven as LEAF's."""

import json
from dataclasses import replace

import numpy as np
import pytest

from edgetrain.datasets import glyphs
from edgetrain.datasets.client_files import HoldOut
from edgetrain.datasets.generated import GeneratedWriters
from edgetrain.datasets.hands import draw_hand, write
from edgetrain.errors import PackageMissing, UsageError
from edgetrain.tasks.registry import get_task

FEMNIST = get_task("femnist")


def writers(count, seed=0, share=0.1):
    return GeneratedWriters(FEMNIST, count, seed, HoldOut(share, seed))


def test_every_client_is_called_generated_and_holds_out_a_share():
    source = writers(2)
    parts = list(source)
    assert len(source) == len(parts) == 4
    assert [part.client for part in parts] == ["generated-00000"] * 2 + ["generated-00001"] * 2
    for trained, held_out in (parts[:2], parts[2:]):
        assert (trained.held_out, held_out.held_out) == (False, True)
        assert len(held_out.y) == round(0.1 * (len(trained.y) + len(held_out.y)))
    assert source.kind == source.description()["kind"] == "generated"
    assert len(list(writers(2, share=0))) == len(writers(2, share=0)) == 2


def test_images_are_ink_on_white_in_steps_of_a_byte():
    x, y = writers(1).writer(0)
    assert (x.shape, x.dtype, len(y)) == ((len(y), 28, 28), np.float32, len(x))
    assert 0 <= x.min() < 0.06
    assert x.max() == 1
    np.testing.assert_allclose(x * 255, np.rint(x * 255), atol=1e-4)
    inked = (x < 0.5).sum((1, 2))
    assert inked.min() > 0, "a letter without ink cannot be learned"
    assert 8 < np.median(inked) < 60, "LEAF's letters have some 22 dark pixels of 784"
    edge = np.concatenate([x[:, 0], x[:, -1], x[:, :, 0], x[:, :, -1]])
    assert edge.mean() > 0.99, "and a white border"


def test_a_writer_depends_on_the_seed_and_its_number_alone():
    first, again, more = writers(3), writers(3), writers(9)
    for number in range(3):
        x, y = first.writer(number)
        for other in (again, more):
            np.testing.assert_array_equal(other.writer(number)[0], x)
            np.testing.assert_array_equal(other.writer(number)[1], y)
    assert not np.array_equal(first.writer(0)[1], first.writer(1)[1])
    assert not np.array_equal(first.writer(0)[1], writers(3, seed=1).writer(0)[1])


def test_numbers_of_samples_are_spread_as_leafs():
    """805,263 samples of 3,550 writers: mean 226.83, standard deviation 88.94."""
    rng = np.random.default_rng(0)
    hands = [draw_hand(rng, 16) for _ in range(3550)]
    samples = np.array([hand.samples for hand in hands])
    assert samples.mean() == pytest.approx(226.83, rel=0.03)
    assert samples.std() == pytest.approx(88.94, rel=0.1)
    shares = np.array([hand.shares for hand in hands])
    np.testing.assert_allclose(shares.sum(1), 1)
    np.testing.assert_allclose(shares[:, :10].sum(1).mean(), 0.495, atol=0.02)
    assert shares[:, :10].sum(1).std() > 0.05, "and personal"


@pytest.mark.parametrize(
    "name", ["slant", "turn", "width", "size", "pen", "pressure", "wave", "wave_length", "unsteady"]
)
def test_all_of_a_hand_is_personal(name):
    rng = np.random.default_rng(0)
    values = {getattr(draw_hand(rng, 16), name) for _ in range(20)}
    assert len(values) > 15


def written(hand, seed=0, copies=4):
    labels = np.repeat([3, 10, 40], copies)
    return write(hand, labels, FEMNIST.labels, glyphs.alphabets(), np.random.default_rng(seed))


@pytest.mark.parametrize("name", ["slant", "turn", "width", "size", "pen", "pressure", "wave", "wave_length"])
def test_all_of_a_hand_is_seen(name):
    hand = replace(draw_hand(np.random.default_rng(1), 16), wave=1.0, pressure=1.0, pen=1.2)
    other = replace(hand, **{name: 1.3 * getattr(hand, name) + 0.1})
    assert np.abs(written(hand) - written(other)).mean() > 1e-3


def test_an_unsteady_hand_writes_no_letter_twice_alike():
    hand = draw_hand(np.random.default_rng(1), 16)

    def spread(unsteady):
        return written(replace(hand, unsteady=unsteady, wave=0.0)).reshape(3, 4, 28, 28).std(1).mean()

    assert spread(0) < 1e-6
    assert spread(2) > 1.5 * spread(0.5) > 0.001


def test_a_larger_hand_writes_larger_letters():
    def height(size):
        rows = np.nonzero(written(replace(draw_hand(np.random.default_rng(1), 16), size=size))[0] < 0.5)[0]
        return np.ptp(rows) + 1

    assert height(14) - height(7) == pytest.approx(7, abs=2.5)


# --- alphabets


def test_every_alphabet_has_every_letter_of_its_own_shape():
    for alphabet in glyphs.alphabets():
        inks = [alphabet.draw(letter, 8) for letter in FEMNIST.labels]
        assert {ink.shape for ink in inks} == {(glyphs.SQUARE, glyphs.SQUARE)}
        assert len({ink.tobytes() for ink in inks}) >= 61, f"{alphabet}: more than I and l are one"
        for letter, ink in zip(FEMNIST.labels, inks, strict=True):
            rows, columns = np.nonzero(ink > 127)
            assert 100 < len(rows) < 6000, (alphabet, letter)
            for places in (rows, columns):
                assert (places.min() + places.max()) / 2 == pytest.approx(glyphs.SQUARE / 2, abs=3), (alphabet, letter)
            assert not np.concatenate([ink[0], ink[-1], ink[:, 0], ink[:, -1]]).any(), (alphabet, letter)
        height = np.ptp(np.nonzero(alphabet.draw("H", 1) > 127)[0]) + 1
        assert height == pytest.approx(glyphs.CAPITAL, abs=8), alphabet


def test_letters_stand_upright():
    """A 7 has its bar on top, in every alphabet."""
    for alphabet in glyphs.alphabets():
        rows, columns = np.nonzero(alphabet.draw("7", 6) > 127)
        third = np.ptp(rows) / 3
        assert np.ptp(columns[rows < rows.min() + third]) > 1.2 * np.ptp(columns[rows > rows.max() - third]), alphabet


def test_letters_are_not_mirrored():
    """An F stands on its left, in an alphabet of each sort."""
    for alphabet in (glyphs.FontAlphabet(glyphs.alphabets()[7].path), glyphs.StrokeAlphabet("futural")):
        rows, columns = np.nonzero(alphabet.draw("F", 6) > 127)
        foot = columns[rows > rows.max() - np.ptp(rows) / 4]
        assert foot.mean() < columns.min() + 0.3 * np.ptp(columns)


@pytest.mark.parametrize("place", [0, -1], ids=["font", "strokes"])
def test_a_wider_pen_leaves_more_ink(place):
    alphabet = glyphs.alphabets()[place]
    thin, thick = (int((alphabet.draw("S", pen) > 127).sum()) for pen in (7, 14))
    assert thick > 1.2 * thin


def test_a_font_that_is_not_installed(tmp_path):
    with pytest.raises(PackageMissing, match=r"@fontsource/architects-daughter is not installed.*make install"):
        glyphs.alphabets(tmp_path)
    with pytest.raises(PackageMissing, match="make install"):
        glyphs.versions(tmp_path)


def test_the_fonts_are_those_that_are_locked_and_free():
    root = glyphs.FONTSOURCE.parents[1]
    wanted = json.loads((root / "package.json").read_text())["dependencies"]
    locked = json.loads((root / "package-lock.json").read_text())["packages"]
    fonts = {name.removeprefix("@fontsource/") for name in wanted if name.startswith("@fontsource/")}
    assert fonts == set(glyphs.FONTS)
    for name in glyphs.FONTS:
        package = locked[f"node_modules/@fontsource/{name}"]
        assert (package["version"], package["license"]) == (wanted[f"@fontsource/{name}"], "OFL-1.1")
        assert glyphs.versions()[f"@fontsource/{name}"] == package["version"]


# --- what cannot be


@pytest.mark.parametrize("count", [0, -1, 10_001])
def test_so_many_writers_cannot_be(count):
    with pytest.raises(UsageError, match="expected 1 to 10,000"):
        writers(count)


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_a_share_that_cannot_be(share):
    with pytest.raises(UsageError, match="the held-out share is"):
        writers(2, share=share)


def test_only_femnist_has_writers():
    with pytest.raises(UsageError, match="task digits: writers are generated for femnist's images and labels only"):
        GeneratedWriters(get_task("digits"), 2, 0, HoldOut())
