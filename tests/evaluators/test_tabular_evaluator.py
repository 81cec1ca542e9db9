import numpy as np
import pytest

from nao_tf.evaluators.tabular_evaluator import TabularEvaluator
from nao_tf.tables import read_table
from tests.support.real_data import data_path
from tests.support.toy_tables import nasbench101_arrays, nasbench201_arrays, write_table

BEST_201 = (4, 4, 4, 4, 4, 4)


@pytest.fixture(scope="module")
def arrays101():
  return nasbench101_arrays()


@pytest.fixture(scope="module")
def arrays201():
  return nasbench201_arrays()


@pytest.fixture(scope="module")
def table101(arrays101, tmp_path_factory):
  return read_table(write_table(tmp_path_factory.mktemp("101") / "t.npz", arrays101))


@pytest.fixture(scope="module")
def table201(arrays201, tmp_path_factory):
  return read_table(write_table(tmp_path_factory.mktemp("201") / "t.npz", arrays201))


def evaluate(table, architecture, **figures):
  (evaluation,) = TabularEvaluator(table, **figures).evaluate([architecture])
  return evaluation


def test_a_cell_of_nasbench201_has_its_rows_figures(table201, arrays201):
  evaluation = evaluate(table201, BEST_201)
  assert evaluation.reward == float(arrays201["cifar10_val200"][-1]) == arrays201["cifar10_val200"].max()
  metrics = {"row": 15_624, "params": 1000 + 15_624, "test": float(arrays201["cifar10_test200"][-1])}
  assert evaluation.metrics == metrics
  assert table201.space.name == "nasbench201" and table201.architecture_of(15_624) == BEST_201


def test_the_figures_can_be_chosen(table201, arrays201):
  evaluation = evaluate(table201, BEST_201, objective="val12", report="test12")
  assert evaluation.reward == float(arrays201["cifar10_val12"][-1])
  assert evaluation.metrics["test"] == float(arrays201["cifar10_test12"][-1])


@pytest.mark.parametrize("which", ["objective", "report"])
def test_a_figure_that_is_not_there_is_refused(table201, which):
  with pytest.raises(ValueError, match="no figure 'val50'; expected one of val12, val200, test12, test200"):
    TabularEvaluator(table201, **{which: "val50"})


def test_rows_and_operations_may_be_in_any_order(tmp_path, table201, arrays201):
  rows, names = np.random.default_rng(0).permutation(15_625), np.array([3, 1, 4, 0, 2])
  shuffled = {name: array[rows] for name, array in arrays201.items() if name != "op_names"}
  shuffled |= {"ops": np.argsort(names)[shuffled["ops"]], "op_names": arrays201["op_names"][names]}
  other = read_table(write_table(tmp_path / "other.npz", shuffled))
  rng = np.random.default_rng(1)
  for architecture in (table201.space.sample(rng) for _ in range(50)):
    assert evaluate(other, architecture).reward == evaluate(table201, architecture).reward


def test_an_architecture_that_is_not_in_the_table_has_failed(tmp_path, arrays201):
  few = {name: array[:100] if name != "op_names" else array for name, array in arrays201.items()}
  evaluation = evaluate(read_table(write_table(tmp_path / "t.npz", few)), BEST_201)
  assert not evaluation.ok and "not in the table: |avg_pool_3x3~0|+" in evaluation.metrics["reason"]


def test_all_encodings_of_a_cell_of_nasbench101_have_its_figures(table101):
  table, rng = table101, np.random.default_rng(0)
  for row in range(0, len(table), 10):
    evaluation = evaluate(table, table.space.random_equivalent(table.architecture_of(row), rng))
    assert evaluation.reward == evaluation.metrics["test"] == 100 * (8000 + row) / 9984
    assert evaluation.metrics["row"] == evaluation.metrics["params"] == row


def test_a_cell_without_a_validation_has_failed_and_keeps_its_test_figure(table101):
  assert list(table101.figures) == ["test108", "val4", "val108"]
  with_it, without = (evaluate(table101, table101.architecture_of(row), objective="val108") for row in (2, 3))
  assert with_it.reward == 100 * (8002 - 100) / 9984
  assert without.reward is None and without.metrics["reason"] == "the table has no val108 for row 3"
  assert without.metrics["test"] == 100 * 8003 / 9984


def test_params_and_validations_may_be_missing(tmp_path, arrays101):
  needed = ("hash_prefix", "num_vertices", "adj_bits", "ops", "test_correct_run0")
  table = read_table(write_table(tmp_path / "t.npz", {name: arrays101[name] for name in needed}))
  assert list(table.figures) == ["test108"] and set(evaluate(table, table.architecture_of(0)).metrics) == {
    "row",
    "test",
  }


def test_the_best_cell_of_the_real_nasbench201_can_be_reached():
  table = read_table(data_path("nas/nasbench201_cifar10.npz"))
  row = int(np.argmax(table.figure("val200")))
  evaluation = evaluate(table, table.architecture_of(row))
  assert len(table) == 15_625 and evaluation.metrics["row"] == row == 6111
  assert (round(evaluation.reward, 2), round(evaluation.metrics["test"], 2)) == (91.61, 94.37)
