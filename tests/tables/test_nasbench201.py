"""Tables of NAS-Bench-201: their figures, and files that do not fit."""

import numpy as np
import pytest

from nao_tf.tables import read_table
from tests.support.toy_tables import changed, put, write_table


@pytest.mark.parametrize(
  "changes, message",
  [
    ({"ops": None}, "missing arrays ops; found "),
    ({"op_names": None}, "missing arrays op_names"),
    ({"ops": lambda a: a[:, :5]}, r"array ops must have shape \[15625, 6\], got \[15625, 5\]"),
    ({"ops": lambda a: a[:, 0]}, r"array ops must have shape \[rows, 6\], got \[15625\]"),
    ({"cifar10_val200": lambda a: a[1:]}, r"array cifar10_val200 must have shape \[15625\], got \[15624\]"),
    ({"ops": lambda a: a.astype(float)}, "array ops must hold integers, got float64"),
    ({"cifar10_test12": lambda a: a.astype(str)}, "array cifar10_test12 must hold numbers, got <U"),
    ({"op_names": lambda a: np.arange(5)}, "array op_names must hold texts, got int64"),
    ({"op_names": put("conv", 2)}, "op_names must be none, .* in any order, got none, skip_connect, conv, "),
    ({"ops": put(5, 3, 1)}, r"array ops must be in \[0, 4\], got 5 at \[3, 1\]"),
    ({"ops": put(0, 1, slice(None))}, "rows 0 and 1 are the same architecture"),
    ({"cifar10_val200": put(np.nan, 7)}, r"array cifar10_val200 must be in \[0, 100\], got nan at \[7\]"),
    ({"cifar10_val200": put(-1, 7)}, r"array cifar10_val200 must be in \[0, 100\], got -1.0 at \[7\]"),
    ({"params_cifar10": lambda a: put(np.nan, 7)(a.astype(float))}, r"array params_cifar10 must be in .* got nan"),
    ({"params_cifar10": lambda a: put(-1, 7)(a.astype(int))}, r"array params_cifar10 must be in .* got -1 at \[7\]"),
    ({"cifar10_test12": None, "cifar10_test200": None}, "expected arrays <dataset>_val<epochs> and <dataset>_test"),
  ],
)
def test_a_nasbench201_file_that_does_not_fit_is_refused(tmp_path, arrays201, changes, message):
  with pytest.raises(ValueError, match=f"t.npz: {message}"):
    read_table(write_table(tmp_path / "t.npz", changed(arrays201, **changes)))


def test_figures_and_counts_are_those_of_the_file(tmp_path, arrays201):
  table = read_table(write_table(tmp_path / "t.npz", arrays201))
  assert list(table.figures) == ["val12", "val200", "test12", "test200"] and list(table.counts) == ["params"]
  np.testing.assert_array_equal(table.figure("test12"), arrays201["cifar10_test12"])
  assert (table.default_objective, table.default_report) == ("val200", "test200")


def test_figures_of_two_datasets_are_refused(tmp_path, arrays201):
  arrays = {**arrays201, "cifar100_val12": arrays201["cifar10_val12"]}
  with pytest.raises(ValueError, match="of one dataset; found"):
    read_table(write_table(tmp_path / "t.npz", arrays))
