import dataclasses
import os

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.evaluators import EVALUATORS, evaluator_class
from nao_tf.evaluators.training_evaluator import TrainingEvaluator, child_seed
from nao_tf.spaces import make_space
from nao_tf.spaces.nasnet import SMALL, NasnetSpace
from nao_tf.spaces.published import RECURRENT_CELLS
from nao_tf.tasks import make_task
from nao_tf.tasks.image_classification import ImageClassification
from nao_tf.tasks.image_sources import DigitsSource
from nao_tf.training.config import TrainingConfig
from tests.support import toy_text
from tests.support.image_cases import NETWORK
from tests.support.photographs import write_damaged, write_photographs

TRAINING = TrainingConfig(epochs=1, batch_size=128)
SPACE = NasnetSpace("pairs", SMALL, num_nodes=2)
# The branches of the second node are the same one, so the networks are quick to trace.
POOLS = (0, 2, 1, 2, 2, 2, 2, 2) * 2
IDENTITIES = (0, 4, 1, 4, 2, 4, 2, 4) * 2
SWAPPED = POOLS[2:4] + POOLS[:2] + POOLS[4:]


def make_evaluator(task=None, config=TRAINING, space=SPACE, **options):
  task = task or ImageClassification("digits", DigitsSource(), flip=False, train_examples=256)
  distribution = tf.distribute.get_strategy()
  return TrainingEvaluator(task, space, NETWORK, config, distribution=distribution, seed=1, **options)


def comparable(evaluation):
  return evaluation.reward, evaluation.metrics


def test_the_evaluator_is_registered():
  assert evaluator_class("training") is TrainingEvaluator
  with pytest.raises(ValueError, match="unknown evaluator 'guess'; expected one of") as error:
    evaluator_class("guess")
  assert all(name in str(error.value) for name in EVALUATORS)


def test_a_reward_is_the_validation_accuracy_and_comes_with_metrics():
  evaluator, watched = make_evaluator(), []
  evaluator.watch(watched.append)
  (evaluation,) = evaluator.evaluate([POOLS])
  assert 0 <= evaluation.reward <= 1
  assert [(epoch.number, epoch.total) for epoch in watched] == [(1, 1)] and "learning_rate" in watched[0].metrics
  assert watched[0].metrics["valid_accuracy"] == evaluation.reward
  assert evaluation.reward == evaluation.metrics["accuracy"]
  assert evaluation.cost_seconds > 0
  assert {"accuracy", "loss", "train_loss", "parameters", "multiply_adds", "epochs"} == set(evaluation.metrics)


def test_a_damaged_photograph_is_named_in_the_failure(no_graphs, tmp_path):
  write_photographs(tmp_path, 48, shorter=20)
  path = write_damaged(tmp_path / "lake" / "middle.png", shorter=20)
  task = make_task("folder", image_dir=str(tmp_path), photographs=True, image_size=16, validation_fraction=0.2)
  (evaluation,) = make_evaluator(task, TrainingConfig(epochs=1, batch_size=8)).evaluate([POOLS])
  assert f"{path} cannot be decoded" in evaluation.metrics["reason"]


def test_an_evaluation_depends_neither_on_the_order_nor_on_the_encoding(no_graphs):
  evaluator = make_evaluator()
  first, second = evaluator.evaluate([POOLS, IDENTITIES])
  again, swapped = make_evaluator().evaluate([IDENTITIES, SWAPPED])
  assert comparable(again) == comparable(second)
  assert comparable(swapped) == comparable(first)


def test_children_are_trained_one_at_a_time_as_they_are_wanted():
  evaluations = make_evaluator(max_parameters=1).evaluate([POOLS, (99,) * 16])
  assert not next(evaluations).ok
  with pytest.raises(ValueError, match="position 0"):
    next(evaluations)


@pytest.mark.parametrize(
  ("change", "message"),
  [({"optimizer": "adamm"}, "unknown optimizer 'adamm'"), ({"batch_size": 10**6}, "a batch of 1000000 is more than")],
)
def test_what_no_child_can_be_trained_with_is_found_at_once(change, message):
  with pytest.raises(ValueError, match=message):
    make_evaluator(config=dataclasses.replace(TRAINING, **change))


def test_the_best_epoch_can_be_the_reward(no_graphs):
  config = dataclasses.replace(TRAINING, epochs=3, learning_rate=0.1)
  best, last = (next(make_evaluator(config=config, reward=reward).evaluate([POOLS])) for reward in ("best", "last"))
  assert best.reward >= last.reward
  assert last.metrics["epochs"] == 3


def test_too_many_parameters_are_a_failure_with_its_reason():
  (evaluation,) = make_evaluator(max_parameters=100).evaluate([POOLS])
  assert not evaluation.ok
  assert "parameters are more than max_parameters, 100" in evaluation.metrics["reason"]


def test_divergence_is_a_failure_with_its_reason(no_graphs):
  config = dataclasses.replace(TRAINING, learning_rate=1e30, clip_norm=0.0)
  (evaluation,) = make_evaluator(config=config).evaluate([POOLS])
  assert not evaluation.ok
  assert "diverged: the loss was" in evaluation.metrics["reason"]


class RaisingTask(ImageClassification):
  """Digits that networks cannot be trained on."""

  def __init__(self, error):
    super().__init__("digits", DigitsSource())
    self.error = error

  def training_batches(self, training_config, **options):
    raise self.error


@pytest.mark.parametrize(
  "error, reason",
  [
    (MemoryError("no more"), "out of memory: no more"),
    (tf.errors.ResourceExhaustedError(None, None, "OOM when allocating\nmore"), "out of memory: OOM when allocating"),
    (tf.errors.InvalidArgumentError(None, None, "bad shape"), "InvalidArgumentError: bad shape"),
  ],
)
def test_what_goes_wrong_with_a_child_is_a_failure_with_its_reason(error, reason):
  (evaluation,) = make_evaluator(RaisingTask(error)).evaluate([POOLS])
  assert not evaluation.ok and evaluation.metrics["reason"] == reason


def test_language_models_are_evaluated_alike():
  space, distribution = make_space("rnn12"), tf.distribute.get_strategy()
  training_config = dataclasses.replace(toy_text.TRAINING, epochs=1)
  evaluator = TrainingEvaluator(
    toy_text.toy_task(), space, toy_text.NETWORK, training_config, distribution=distribution, seed=1
  )
  cell = RECURRENT_CELLS["NAO-RNN"].architecture
  encoding = next(s for s in (space.random_equivalent(cell, np.random.default_rng(i)) for i in range(9)) if s != cell)
  first, second = evaluator.evaluate([cell, encoding])
  assert comparable(first) == comparable(second)
  assert first.reward == -first.metrics["loss"] == pytest.approx(-np.log(first.metrics["perplexity"]))
  assert set(first.metrics) == {"loss", "perplexity", "train_loss", "parameters", "multiply_adds", "epochs"}


def test_a_space_of_other_networks_is_refused():
  with pytest.raises(
    ValueError, match="toy: its networks are built from a RecurrentGenotype or LstmGenotype, got a Cell"
  ):
    make_evaluator(toy_text.toy_task())


@pytest.mark.parametrize("error", [KeyboardInterrupt(), TypeError("a bug")])
def test_what_is_not_the_childs_fault_is_raised(error):
  with pytest.raises(type(error)):
    list(make_evaluator(RaisingTask(error)).evaluate([POOLS]))


def test_a_search_needs_a_validation_set_and_known_options():
  with pytest.raises(ValueError, match="a search needs a validation set"):
    make_evaluator(ImageClassification("digits", DigitsSource(), validation_fraction=0.0))
  with pytest.raises(ValueError, match="unknown reward 'mean'; expected one of last, best"):
    make_evaluator(reward="mean")


def test_seeds_of_children_differ_and_depend_on_seed_and_architecture():
  seeds = {child_seed(seed, architecture) for seed in (1, 2) for architecture in (POOLS, IDENTITIES)}
  assert len(seeds) == 4 and all(0 <= seed < 2**31 for seed in seeds)
  assert child_seed(1, POOLS) == child_seed(1, POOLS)


def resident_megabytes():
  with open("/proc/self/statm", encoding="ascii") as file:
    return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="no /proc: the memory of a process cannot be read")
def test_memory_does_not_grow_from_child_to_child():
  space, rng = make_space("nasnet5"), np.random.default_rng(0)
  architectures = [space.sample(rng) for _ in range(24)]
  sizes = [resident_megabytes() for _ in make_evaluator(space=space).evaluate(architectures)]
  # The first children warm allocators up; after that, a leak of one child's graph would be tens of megabytes a child.
  assert np.mean(sizes[18:]) - np.mean(sizes[6:12]) < 12 * 5
