import os

import pytest

from nao_tf.evaluators import EvaluatorContext, make_evaluator
from nao_tf.evaluators.rung_evaluator import TRAININGS_DIRECTORY, RungEvaluator, in_rungs, remove_trainings
from nao_tf.evaluators.tabular_evaluator import TabularEvaluator
from nao_tf.tables import read_table
from tests.support.rung_cases import GrowingEvaluator
from tests.support.toy_tables import nasbench101_arrays, nasbench201_arrays, write_table
from tests.support.toys import CountingEvaluator

CELL = (1, 2, 3, 4, 0, 1)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
  return write_table(tmp_path_factory.mktemp("table") / "t.npz", nasbench201_arrays())


def test_the_last_number_of_what_is_evaluated_is_the_rung():
  evaluator = RungEvaluator(GrowingEvaluator(), (1, 5))
  low, high = evaluator.evaluate([(1, 1, 1, 1, 0), (1, 1, 1, 1, 1)])
  assert (low.metrics["epochs"], high.metrics["epochs"]) == (1, 5)


def test_an_evaluator_is_wrapped_only_if_there_are_rungs():
  inner = CountingEvaluator()
  assert in_rungs(inner, ()) is inner
  with pytest.raises(ValueError, match="got CountingEvaluator"):
    in_rungs(inner, (1, 2))


def test_a_table_has_a_rung_for_each_of_its_budgets(table):
  space = read_table(table).space
  evaluator = make_evaluator("tabular", EvaluatorContext(space, table=table, rungs=(12, 200)))
  low, high = evaluator.evaluate([(*CELL, 0), (*CELL, 1)])
  whole = TabularEvaluator(read_table(table))
  assert low.reward == next(iter(TabularEvaluator(read_table(table), objective="val12").evaluate([CELL]))).reward
  assert high == next(iter(whole.evaluate([CELL]))) and low.metrics == high.metrics


@pytest.mark.parametrize("rungs", [(4, 200), (1, 12)])
def test_a_rung_that_a_table_does_not_have_is_refused_with_those_that_it_has(table, rungs):
  with pytest.raises(ValueError, match="expected rungs among 12, 200 epochs, the last one as in val200, got"):
    make_evaluator("tabular", EvaluatorContext(read_table(table).space, table=table, rungs=rungs))


def test_validations_of_nasbench101_are_rungs(tmp_path):
  table = read_table(write_table(tmp_path / "t.npz", nasbench101_arrays(40)))
  evaluator = RungEvaluator(TabularEvaluator(table, objective="val108"), (4, 108))
  first, second = (table.architecture_of(row) for row in (0, 1))
  low, high, missing = evaluator.evaluate([(*first, 0), (*first, 1), (*second, 0)])
  assert low.reward < high.reward and not missing.ok
  assert "the table has no val4 for row 1" in missing.metrics["reason"]


def test_trainings_that_may_go_on_can_be_removed(tmp_path):
  remove_trainings(str(tmp_path))
  os.makedirs(tmp_path / TRAININGS_DIRECTORY / "one")
  remove_trainings(str(tmp_path))
  assert os.listdir(tmp_path) == []
