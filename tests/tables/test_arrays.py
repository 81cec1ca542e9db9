"""Arrays of a file: what is no file of arrays, and arrays that are not as expected."""

import re

import numpy as np
import pytest

from nao_tf.tables import read_table
from nao_tf.tables.arrays import INTEGERS, NUMBERS, TEXTS, ArraySpec, check_arrays, check_range, load_arrays
from tests.support.toy_tables import nasbench201_arrays, write_table


def truncated(tmp_path):
  path = write_table(tmp_path / "whole.npz", nasbench201_arrays())
  with open(path, "rb") as file:
    return file.read()[:5000]


@pytest.mark.parametrize("content", [lambda _: b"", lambda _: b"some text\n", truncated], ids=["empty", "text", "cut"])
def test_a_file_that_is_no_npz_is_refused(tmp_path, content):
  path = tmp_path / "t.npz"
  path.write_bytes(content(tmp_path))
  with pytest.raises(ValueError, match=r"t.npz: expected a NumPy .npz file of plain arrays"):
    read_table(str(path))


def test_a_single_array_is_refused(tmp_path):
  np.save(tmp_path / "t.npy", np.zeros([3, 2]))
  with pytest.raises(ValueError, match=r"it holds a single array of shape \[3, 2\]"):
    read_table(str(tmp_path / "t.npy"))


def test_pickled_objects_are_refused(tmp_path, arrays201):
  with pytest.raises(ValueError, match="plain arrays"):
    read_table(write_table(tmp_path / "t.npz", {**arrays201, "ops": arrays201["ops"].astype(object)}))


ARRAYS = {"ops": np.zeros([3, 6], np.uint8), "accuracy": np.array([90.0, 91.0, np.nan]), "names": np.array(["a", "b"])}
SPECS = {
  "ops": ArraySpec(INTEGERS, ("rows", 6)),
  "accuracy": ArraySpec(NUMBERS, ("rows",)),
  "names": ArraySpec(TEXTS, ("names",)),
}


def test_arrays_are_read_by_name(tmp_path):
  loaded = load_arrays(write_table(tmp_path / "t.npz", ARRAYS))
  assert list(loaded) == list(ARRAYS)
  for name, array in ARRAYS.items():
    np.testing.assert_array_equal(loaded[name], array)


def test_arrays_that_fit_are_accepted():
  check_arrays("t.npz", ARRAYS, SPECS)
  check_range("t.npz", ARRAYS, "ops", 0, 0)


@pytest.mark.parametrize(
  "changes, message",
  [
    ({"ops": None, "names": None}, "missing arrays ops, names; found accuracy"),
    ({"ops": np.zeros([3, 6])}, "array ops must hold integers, got float64"),
    ({"names": np.zeros(2)}, "array names must hold texts, got float64"),
    ({"ops": np.zeros([3, 5], int)}, "array ops must have shape [3, 6], got [3, 5]"),
    ({"ops": np.zeros(3, int)}, "array ops must have shape [rows, 6], got [3]"),
    ({"accuracy": np.zeros(4)}, "array accuracy must have shape [3], got [4]"),
  ],
)
def test_arrays_that_do_not_fit_are_refused(changes, message):
  arrays = {name: array for name, array in {**ARRAYS, **changes}.items() if array is not None}
  with pytest.raises(ValueError, match=re.escape(f"t.npz: {message}")):
    check_arrays("t.npz", arrays, SPECS)


def test_the_first_value_out_of_range_is_named_and_nan_is_none():
  with pytest.raises(ValueError, match=r"t.npz: array accuracy must be in \[0, 90\], got 91.0 at \[1\]"):
    check_range("t.npz", ARRAYS, "accuracy", 0, 90)
  with pytest.raises(ValueError, match=r"got nan at \[2\]"):
    check_range("t.npz", ARRAYS, "accuracy", 0, 100)
