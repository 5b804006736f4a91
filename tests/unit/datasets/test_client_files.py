"""One file for each client: arrays and tables."""

import numpy as np
import pytest

from edgetrain.datasets.client_files import CsvSource, HoldOut, NpzSource
from edgetrain.errors import DataFileInvalid, UsageError
from edgetrain.tasks.digits import Digits


class Beats(Digits):
    """Three numbers and two classes with names."""

    name = "beats"
    x = Digits.x.model_copy(update={"shape": (3,)})
    x_range = None
    labels = ("calm", "7")


BEATS, DIGITS = Beats(), Digits()
ALL = HoldOut(share=0)


def arrays(count=20, seed=0):
    rng = np.random.default_rng(seed)
    return rng.random((count, 8, 8, 1), np.float32), rng.integers(0, 10, count)


# --- .npz


def test_a_share_of_each_client_is_held_out(tmp_path):
    x, y = arrays()
    np.savez(tmp_path / "b.npz", x=x, y=y)
    np.savez_compressed(tmp_path / "a.npz", x=x[:1].reshape(1, 64), y=y[:1])
    source = NpzSource(DIGITS, tmp_path, HoldOut(share=0.25, seed=3))
    alone, trained, held_out = source
    assert [(p.client, p.held_out, len(p.y)) for p in (alone, trained, held_out)] == [
        ("a", False, 1),
        ("b", False, 15),
        ("b", True, 5),
    ]
    assert alone.x.shape == (1, 8, 8, 1)
    together = np.concatenate([trained.x, held_out.x])
    assert sorted(row.tobytes() for row in together) == sorted(row.tobytes() for row in x)
    for again, first in zip(source, (alone, trained, held_out), strict=True):
        np.testing.assert_array_equal(again.x, first.x)


def test_another_seed_holds_out_others(tmp_path):
    rows = [HoldOut(0.5, seed).rows("a", 40) for seed in (0, 1)]
    assert rows[0].sum() == rows[1].sum() == 20
    assert (rows[0] != rows[1]).any()


@pytest.mark.parametrize(
    ("share", "count", "held_out"), [(0.1, 2, 1), (0.9, 2, 1), (0.1, 1, 0), (0, 50, 0), (0.1, 50, 5)]
)
def test_how_many_are_held_out(share, count, held_out):
    assert HoldOut(share).rows("a", count).sum() == held_out


def test_own_held_out_arrays_are_kept_apart(tmp_path):
    x, y = arrays()
    np.savez(tmp_path / "a.npz", x=x[:12], y=y[:12], test_x=x[12:], test_y=y[12:])
    trained, held_out = NpzSource(DIGITS, tmp_path, HoldOut())
    np.testing.assert_array_equal(trained.x, x[:12])
    np.testing.assert_array_equal(held_out.x, x[12:])


X, Y = arrays()
NAN = X.copy()
NAN[4, 2, 3, 0] = np.nan


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"x": X}, "holds x of the arrays: expected x and y"),
        ({"x": X, "y": Y, "test_x": X}, "test_x and test_y or neither"),
        ({"x": X, "y": Y[:-1]}, "20 samples in x, 19 labels in y: expected as many"),
        ({"x": X[:, :7], "y": Y}, "sample 0 has 56 numbers: expected 64 (8 x 8 x 1)"),
        ({"x": X * 16, "y": Y}, "expected 0 to 1"),
        ({"x": NAN, "y": Y}, "sample 4: number 19 is nan: expected 0 to 1"),
        ({"x": X, "y": np.where(np.arange(20) == 6, 10, Y)}, "sample 6 has label 10: expected 0 to 9"),
        ({"x": X, "y": Y.astype(float)}, "y is float64 [20]: expected one whole number for each sample"),
        ({"x": X, "y": Y[:, None]}, "y is int64 [20, 1]"),
        ({"x": X.astype(str), "y": Y}, "expected numbers"),
        ({"x": X[:0], "y": Y[:0]}, "has no samples: expected at least one"),
        ({"x": np.float32(1), "y": Y}, "no samples in x"),
        ({"x": np.array([{}], object), "y": Y[:1]}, "cannot be read (Object arrays cannot be loaded"),
        ({"x": X, "y": Y, "test_x": X, "test_y": Y + 10}, "held-out part, sample 0 has label"),
    ],
)
def test_bad_arrays(tmp_path, content, told):
    np.savez(tmp_path / "a.npz", **content)
    with pytest.raises(DataFileInvalid) as caught:
        list(NpzSource(DIGITS, tmp_path, HoldOut()))
    assert str(caught.value).startswith(str(tmp_path / "a.npz"))
    assert told in str(caught.value)


@pytest.mark.parametrize("body", [b"no archive", b"PK\x03\x04 torn", b"\x93NUMPY"])
def test_bytes_that_are_no_arrays(tmp_path, body):
    (tmp_path / "a.npz").write_bytes(body)
    with pytest.raises(DataFileInvalid, match=r"expected an \.npz with arrays x and y"):
        list(NpzSource(DIGITS, tmp_path, HoldOut()))


def test_one_array_under_the_wrong_ending(tmp_path):
    np.save(tmp_path / "a.npy", X)
    (tmp_path / "a.npy").rename(tmp_path / "a.npz")
    with pytest.raises(DataFileInvalid, match=r"expected an \.npz with arrays x and y"):
        list(NpzSource(DIGITS, tmp_path, HoldOut()))


def test_an_archive_that_was_cut(tmp_path):
    np.savez(tmp_path / "a.npz", x=X, y=Y)
    body = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(body[:700] + b"\0" * 64 + body[764:])
    with pytest.raises(DataFileInvalid, match=r"expected an \.npz with arrays x and y"):
        list(NpzSource(DIGITS, tmp_path, HoldOut()))


# --- .csv


def table(tmp_path, text, name="a.csv"):
    (tmp_path / name).write_text(text)
    return tmp_path


def test_a_table(tmp_path):
    table(tmp_path, "\ufeffp, label ,q,r\n1,calm,2.5,-3e2\n4,1,5,6\n\n7,7,8,9\n")
    (part,) = CsvSource(BEATS, tmp_path, ALL)
    assert (part.client, part.held_out) == ("a", False)
    np.testing.assert_array_equal(part.x, [[1, 2.5, -300], [4, 5, 6], [7, 8, 9]])
    np.testing.assert_array_equal(part.y, [0, 1, 1])  # "7" is the name of class 1, not the number of a class


def test_another_column_of_labels(tmp_path):
    table(tmp_path, "p,q,r,state\n1,2,3,calm\n4,5,6,7\n")
    trained, held_out = CsvSource(BEATS, tmp_path, HoldOut(0.5), "state")
    assert {int(trained.y[0]), int(held_out.y[0])} == {0, 1}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty: expected a client's examples"),
        ("p,q,r\n1,2,3\n", "line 1: 0 columns are called label: expected one"),
        ("p,q,label,label\n1,2,0,0\n", "line 1: 2 columns are called label: expected one"),
        ("p,q,label\n1,2,0\n", "line 1: 2 columns beside label: expected 3, as task beats has numbers in an example"),
        ("p,q,r,label\n", "has no samples: expected at least one"),
        ("p,q,r,label\n1,2,3,0\n1,2,0\n", "line 3, sample 1 has 3 cells: expected 4"),
        ("p,q,r,label\n1,2,x,0\n", "line 2, sample 0: r is 'x': expected a number"),
        ("p,q,r,label\n1,,3,0\n", "line 2, sample 0: q is '': expected a number"),
        ("p,q,r,label\n1,2,3,0\n1,nan,3,0\n", "sample 1: number 1 is nan: expected a finite number"),
        ("p,q,r,label\n1,2,3,excited\n", "sample 0 has label 'excited': expected one of calm, 7, or 0 to 1"),
        ("p,q,r,label\n1,2,3,2\n", "sample 0 has label '2': expected one of calm, 7, or 0 to 1"),
        ("p,q,r,label\n1,2,3,-1\n", "has label '-1'"),
    ],
)
def test_bad_tables(tmp_path, text, told):
    with pytest.raises(DataFileInvalid) as caught:
        list(CsvSource(BEATS, table(tmp_path, text), ALL))
    assert str(caught.value).startswith(str(tmp_path / "a.csv"))
    assert told in str(caught.value)


def test_a_table_that_is_no_text(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"p,q,r,label\n\xff\xfe,2,3,0\n")
    with pytest.raises(DataFileInvalid, match="is no CSV"):
        list(CsvSource(BEATS, tmp_path, ALL))


def test_all_tables_have_the_same_columns(tmp_path):
    table(tmp_path, "p,q,r,label\n1,2,3,0\n")
    table(tmp_path, "q,p,r,label\n1,2,3,0\n", "b.csv")
    with pytest.raises(DataFileInvalid, match=r"b\.csv, line 1: other columns than in .*a\.csv"):
        list(CsvSource(BEATS, tmp_path, ALL))


# --- folders


def test_a_folder_without_files(tmp_path):
    with pytest.raises(DataFileInvalid, match=r"no \*\.npz in it: expected one file for each client"):
        NpzSource(DIGITS, tmp_path, HoldOut())


def test_a_file_name_that_is_no_clients(tmp_path):
    np.savez(tmp_path / "my client.npz", x=X, y=Y)
    with pytest.raises(DataFileInvalid, match="'my client': expected 1 to 64 of A-Z"):
        NpzSource(DIGITS, tmp_path, HoldOut())


@pytest.mark.parametrize("share", [-0.1, 1, float("nan")])
def test_a_share_that_cannot_be(tmp_path, share):
    np.savez(tmp_path / "a.npz", x=X, y=Y)
    with pytest.raises(UsageError, match="the held-out share is"):
        NpzSource(DIGITS, tmp_path, HoldOut(share))
