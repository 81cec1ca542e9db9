"""Evaluators are made by name from a context."""

import functools

import pytest

from nao_tf.evaluators import EvaluatorContext, make_evaluator
from nao_tf.evaluators.shared_weights_evaluator import SharedWeightsEvaluator
from nao_tf.evaluators.tabular_evaluator import TabularEvaluator
from nao_tf.evaluators.training_evaluator import TrainingEvaluator
from nao_tf.spaces import make_space
from nao_tf.supernets.config import SharingConfig
from nao_tf.tasks import make_task
from nao_tf.tasks.base import Configs
from tests.support import toy_tables
from tests.support.outside import Bits, Counting

DIGITS = functools.partial(make_task, "digits")


def test_a_context_needs_only_a_space_and_what_the_evaluator_uses(tmp_path):
  table = toy_tables.write_table(tmp_path / "table.npz", toy_tables.nasbench201_arrays())
  space = make_space("nasbench201")
  evaluator = make_evaluator("tabular", EvaluatorContext(space, table=table))
  assert isinstance(evaluator, TabularEvaluator)
  (evaluation,) = evaluator.evaluate([next(space.enumerate())])
  assert evaluation.ok


def test_an_evaluator_that_trains_has_the_task_and_its_configurations():
  evaluator = make_evaluator("training", EvaluatorContext(make_space("nasnet5"), make_task=DIGITS))
  assert isinstance(evaluator, TrainingEvaluator)


def test_an_evaluator_with_shared_weights_keeps_them_in_the_directory_of_the_search(tmp_path):
  child = DIGITS().child
  small = Configs(type(child.network_config)(num_cells=1, filters=2), child.training_config)
  context = EvaluatorContext(
    make_space("nasnet5"),
    make_task=DIGITS,
    shared_configs=small,
    sharing_config=SharingConfig(pool_size=2, reference_size=2),
    directory=str(tmp_path),
  )
  assert isinstance(make_evaluator("shared_weights", context), SharedWeightsEvaluator)
  assert [path.name for path in tmp_path.iterdir()] == ["shared_weights"]


def test_one_of_ones_own_is_made_by_its_place():
  evaluator = make_evaluator("tests.support.outside:Counting", EvaluatorContext(Bits()))
  assert isinstance(evaluator, Counting)


@pytest.mark.parametrize(
  ("name", "fields", "message"),
  [
    ("training", {}, "needs a task; pass `make_task`"),
    ("shared_weights", {"make_task": DIGITS}, "pass `directory`"),
    ("shared_weights", {"directory": "somewhere"}, "needs a task; pass `make_task`"),
    ("tabular", {}, "needs a table"),
    (
      "guess",
      {},
      "unknown evaluator 'guess'; expected one of inherited, shared_weights, tabular, training, or package.module:Name",
    ),
    ("collections:Counter", {}, "expected a class with a class method from_context, got <class 'collections.Counter'>"),
  ],
)
def test_what_is_missing_is_said(name, fields, message):
  with pytest.raises(ValueError, match=message):
    make_evaluator(name, EvaluatorContext(make_space("nasnet5"), **fields))


def test_a_table_of_another_space_is_refused(tmp_path):
  table = toy_tables.write_table(tmp_path / "table.npz", toy_tables.nasbench201_arrays())
  with pytest.raises(ValueError, match="is a table of nasbench201, but the space is nasbench101"):
    make_evaluator("tabular", EvaluatorContext(make_space("nasbench101"), table=table))
