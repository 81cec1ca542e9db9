"""Tables of NAS-Bench-101: their figures, and files that do not fit."""

import numpy as np
import pytest

from nao_tf.tables import read_table
from tests.support.real_data import data_path
from tests.support.toy_tables import changed, put, write_table


@pytest.mark.parametrize(
  "changes, message",
  [
    ({"hash_prefix": None, "adj_bits": None}, "missing arrays hash_prefix, adj_bits; found "),
    ({"num_vertices": put(8, 4)}, r"array num_vertices must be in \[2, 7\], got 8 at \[4\]"),
    ({"ops": lambda a: np.where(a < 2, 1 - a, a).astype(np.uint8)}, "the cell that adj_bits and ops describe in row"),
    ({"ops": put(7, 0, 0)}, "row 0 is not a cell of nasbench101"),
    ({"adj_bits": put(0, 0)}, "row 0 is not a cell of nasbench101: .* no path"),
    ({"hash_prefix": lambda a: put(a[3], 4)(a)}, "rows 3 and 4 are the same architecture"),
    ({"test_correct_run0": put(9985, 2)}, r"array test_correct_run0 must be in \[0, 9984\], got 9985"),
    ({"test_correct_run0": lambda a: a / 9984}, "array test_correct_run0 must hold integers, got float64"),
    ({"val_correct": None}, "missing arrays val_correct"),
    ({"val_correct": lambda a: a[:, :1]}, r"array val_correct must have shape \[\d+, 2\], got \[\d+, 1\]"),
    ({"ops": put(255, 0, 0)}, "row 0 is not a cell of nasbench101: expected one of the operations"),
    (
      {"ops": lambda a: put(-1, 2, 0)(a.astype(np.int16))},
      "row 2 is not a cell of nasbench101: expected one of the op",
    ),
    ({"num_vertices": put(2, 5)}, "row 5 is not a cell of nasbench101: expected 255"),
    ({"adj_bits": put(2**21, 3)}, r"array adj_bits must be in \[0, 2097151\], got 2097152 at \[3\]"),
    ({"adj_bits": put(0, 7)}, "row 7 is not a cell of nasbench101: there is no path"),
    ({"hash_prefix": lambda a: put(-5, 1)(a.astype(np.int64) // 2)}, "array hash_prefix must be in .* got -5"),
    ({"params": lambda a: put(-5, 1)(a.astype(np.int64))}, "array params must be in .* got -5"),
    ({"val_epochs": put(4, 1)}, "array val_epochs must have distinct elements, got 4"),
    ({"val_index": put(0, 1)}, "array val_index must have distinct elements, got 0"),
    ({"val_index": put(10_000, 1)}, r"array val_index must be in \[0, \d+\], got 10000 at \[1\]"),
  ],
)
def test_a_nasbench101_file_that_does_not_fit_is_refused(tmp_path, arrays101, changes, message):
  with pytest.raises(ValueError, match=f"t.npz: {message}"):
    read_table(write_table(tmp_path / "t.npz", changed(arrays101, **changes)))


def test_every_sample_is_in_the_real_nasbench101():
  table, rng = read_table(data_path("nas/nasbench101.npz")), np.random.default_rng(0)
  assert all(table.row(table.space.sample(rng)) is not None for _ in range(300))
  assert len(table) == 423_624 and round(float(table.figure("test108").max()), 3) == 94.661


def test_figures_are_percentages_and_nan_where_there_is_no_validation(tmp_path, arrays101):
  table = read_table(write_table(tmp_path / "t.npz", arrays101))
  correct = arrays101["test_correct_run0"].astype(float)
  np.testing.assert_allclose(table.figure("test108"), 100 * correct / 9984)
  np.testing.assert_allclose(table.figure("val4")[::2], 100 * (correct[::2] - 4000) / 9984)
  assert np.isnan(table.figure("val4")[1::2]).all()
  assert (table.default_objective, table.default_report) == ("test108", "test108")
