"""Rows are found by their architectures, and figures by their names."""

import numpy as np
import pytest

from nao_tf.tables import read_table
from nao_tf.tables.base import Rows, Table
from tests.support.toy_tables import write_table
from tests.support.toys import ToySpace


def test_every_row_is_found_by_its_architecture(tmp_path, arrays101, arrays201):
  for arrays in (arrays101, arrays201):
    table = read_table(write_table(tmp_path / "t.npz", arrays))
    rows = range(0, len(table), max(1, len(table) // 300))
    assert [table.row(table.architecture_of(row)) for row in rows] == list(rows)


def toy_table(**changes):
  """Returns a table with three architectures of the toy space; their key is their mixed-radix number."""
  rows = [(2, 0, 1, 1), (0, 1, 0, 1), (1, 1, 1, 0)]

  def key_of(architecture):
    return int(np.dot(architecture, (27, 9, 3, 1)))

  return Table(
    path="toy.npz",
    space=ToySpace(),
    rows=changes.get("rows") or Rows(np.array([key_of(row) for row in rows]), key_of, rows.__getitem__),
    figures={"val1": np.array([1.0, 2.0, 3.0])},
    counts={},
    default_objective="val1",
    default_report="val1",
  )


def test_an_architecture_without_a_row_has_none():
  table = toy_table()
  assert len(table) == 3
  assert [table.row(table.architecture_of(row)) for row in range(3)] == [0, 1, 2]
  assert table.row((0, 0, 1, 1)) is None and table.row((2, 2, 1, 1)) is None


def test_an_architecture_in_two_rows_is_refused():
  twice = Rows(np.array([5, 9, 7, 9]), lambda architecture: 0, lambda row: (0, 0, 1, 1))
  assert twice.duplicates() == [1, 3]
  with pytest.raises(ValueError, match=r"toy.npz: rows 1 and 3 are the same architecture"):
    toy_table(rows=twice)


def test_a_figure_is_found_by_its_name():
  np.testing.assert_array_equal(toy_table().figure("val1"), [1, 2, 3])
  with pytest.raises(ValueError, match=r"toy.npz: no figure 'val2'; expected one of val1"):
    toy_table().figure("val2")


def test_a_table_without_rows_finds_nothing(tmp_path, arrays201):
  empty = {name: array[:0] if name != "op_names" else array for name, array in arrays201.items()}
  table = read_table(write_table(tmp_path / "t.npz", empty))
  assert len(table) == 0 and table.row((0,) * 6) is None
