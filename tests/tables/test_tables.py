"""Reading a table: the arrays of a file say which format it has."""

import numpy as np
import pytest

from nao_tf.tables import FORMATS, read_table
from tests.support import toy_tables
from tests.support.toy_tables import write_table


def test_a_file_that_is_not_there_is_named(tmp_path):
  with pytest.raises(FileNotFoundError, match="nowhere"):
    read_table(str(tmp_path / "nowhere.npz"))


def test_arrays_of_neither_format_are_listed(tmp_path):
  path = write_table(tmp_path / "t.npz", {"ops": np.zeros([2, 6], int), "accuracy": np.zeros(2)})
  with pytest.raises(ValueError, match=r"not a table of nasbench101 or nasbench201: .* found ops, accuracy"):
    read_table(path)


@pytest.mark.parametrize("name", FORMATS)
def test_the_format_of_a_file_is_recognized(tmp_path, name):
  arrays = {"nasbench101": toy_tables.nasbench101_arrays, "nasbench201": toy_tables.nasbench201_arrays}[name]()
  table = read_table(write_table(tmp_path / "t.npz", arrays))
  assert table.space.name == name and table.path == str(tmp_path / "t.npz")
