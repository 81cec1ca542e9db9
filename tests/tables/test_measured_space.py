import numpy as np
import pytest

from nao_tf.strategies import make_strategy
from nao_tf.tables import read_table
from nao_tf.tables.measured_space import measured_space
from tests.support.toy_tables import nasbench101_arrays, nasbench201_arrays, write_table


@pytest.fixture(scope="module")
def table(tmp_path_factory):
  return read_table(write_table(tmp_path_factory.mktemp("table") / "t.npz", nasbench101_arrays(60)))


def test_only_what_was_measured_is_proposed(table):
  strategy = make_strategy("evolution", measured_space(table, "val4"), seed=1)
  rows = [table.row(architecture) for architecture in strategy.ask(20)]
  assert all(row is not None and row % 2 == 0 for row in rows) and len(set(rows)) == 20


def test_random_architectures_are_random_rows(table):
  space, rng = measured_space(table, "val4"), np.random.default_rng(1)
  rows = {table.row(space.sample(rng)) for _ in range(300)}
  assert rows == set(range(0, len(table), 2))


def test_a_table_of_a_whole_space_is_the_space(tmp_path):
  table = read_table(write_table(tmp_path / "t.npz", nasbench201_arrays()))
  assert measured_space(table, "val12") is table.space


def test_a_figure_that_is_missing_is_named(table):
  with pytest.raises(ValueError, match="no figure 'val5'; expected one of test108, val4, val108"):
    measured_space(table, "val5")
