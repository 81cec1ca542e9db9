"""A training in parts is the training at once, whatever happens between the parts and within them."""

import dataclasses
import os

import pytest
import tensorflow as tf

from nao_tf.evaluators.inherited_evaluator import InheritedEvaluator
from nao_tf.evaluators.rung_evaluator import TRAININGS_DIRECTORY, RungEvaluator
from nao_tf.evaluators.training_evaluator import TrainingEvaluator
from nao_tf.spaces import make_space
from nao_tf.spaces.published import RECURRENT_CELLS
from nao_tf.tasks.image_classification import ImageClassification
from nao_tf.tasks.image_sources import DigitsSource
from nao_tf.training.config import TrainingConfig
from tests.evaluators.test_training_evaluator import POOLS, SPACE
from tests.support import toy_text
from tests.support.image_cases import NETWORK

EPOCHS = (1, 3)
CONFIG = TrainingConfig(epochs=3, batch_size=64, learning_rate=0.01, evaluate_every=2)


def make(directory, *, config=CONFIG, **options):
  task = ImageClassification("digits", DigitsSource(), flip=False, train_examples=128)
  distribution = tf.distribute.get_strategy()
  return TrainingEvaluator(
    task, SPACE, NETWORK, config, distribution=distribution, seed=1, directory=str(directory), **options
  )


class Watched:
  """Trains children in rungs. It can be killed after an epoch."""

  def __init__(self, evaluator, killed_after=None):
    self.epochs, self._killed_after = [], killed_after
    self._evaluator = RungEvaluator(evaluator, EPOCHS)
    self._evaluator.watch(self._watch)

  def _watch(self, epoch):
    self.epochs.append(epoch.number)
    if epoch.number == self._killed_after:
      raise KeyboardInterrupt

  def run(self, architecture, rung):
    (evaluation,) = self._evaluator.evaluate([(*architecture, rung)])
    return evaluation


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
  (evaluation,) = make(tmp_path_factory.mktemp("whole")).evaluate([POOLS])
  return evaluation


def same(one, other):
  """Whether two evaluations are equal, but for the order in which threads add numbers."""
  return one.reward == pytest.approx(other.reward, rel=1e-3) and one.metrics == pytest.approx(other.metrics, rel=1e-3)


def kept(directory):
  path = directory / TRAININGS_DIRECTORY
  return os.listdir(path) if path.exists() else []


def test_a_training_in_parts_killed_within_one_is_the_training_at_once(tmp_path, whole):
  first = Watched(make(tmp_path))
  low = first.run(POOLS, 0)
  assert first.epochs == [1] and low.metrics["epochs"] == 1 and low.reward == low.metrics["accuracy"]
  killed = Watched(make(tmp_path), killed_after=2)
  with pytest.raises(KeyboardInterrupt):
    killed.run(POOLS, 1)
  last = Watched(make(tmp_path))
  high = last.run(POOLS, 1)
  assert killed.epochs == [2] and last.epochs == [3]
  assert same(high, whole)
  assert not kept(tmp_path)


def test_a_result_that_was_lost_is_there_again_without_training(tmp_path):
  first = Watched(make(tmp_path)).run(POOLS, 0)
  again = Watched(make(tmp_path))
  second = again.run(POOLS, 0)
  assert not again.epochs
  assert same(first, second)


@pytest.mark.slow
def test_what_was_damaged_or_removed_is_trained_again_to_the_same_result(tmp_path, whole):
  Watched(make(tmp_path)).run(POOLS, 0)
  (name,) = kept(tmp_path)
  checkpoints = tmp_path / TRAININGS_DIRECTORY / name / "checkpoints"
  for path in checkpoints.iterdir():
    path.write_bytes(b"damaged")
  again = Watched(make(tmp_path))
  assert same(again.run(POOLS, 1), whole)
  assert again.epochs == [1, 2, 3]


@pytest.mark.slow
def test_a_child_that_fails_is_not_kept(tmp_path):
  diverging = make(tmp_path, config=dataclasses.replace(CONFIG, learning_rate=1e30, clip_norm=0.0))
  assert not Watched(diverging).run(POOLS, 0).ok
  assert not kept(tmp_path)


@pytest.mark.slow
def test_language_models_are_trained_in_parts_alike(tmp_path):
  def text(directory):
    space, distribution = make_space("rnn12"), tf.distribute.get_strategy()
    task, config = toy_text.toy_task(), toy_text.TRAINING
    return TrainingEvaluator(
      task, space, toy_text.NETWORK, config, distribution=distribution, seed=1, directory=str(directory)
    )

  cell = RECURRENT_CELLS["NAO-RNN"].architecture
  (at_once,) = text(tmp_path / "whole").evaluate([cell])
  Watched(text(tmp_path)).run(cell, 0)
  parts = Watched(text(tmp_path)).run(cell, 1)
  assert same(parts, at_once)


def test_rungs_must_end_with_a_whole_training_and_need_a_directory(tmp_path):
  with pytest.raises(ValueError, match="the last rung must be the length of a full training, 3 epochs, got 2"):
    RungEvaluator(make(tmp_path), (1, 2))
  task = ImageClassification("digits", DigitsSource(), flip=False, train_examples=128)
  evaluator = TrainingEvaluator(task, SPACE, NETWORK, CONFIG, distribution=tf.distribute.get_strategy(), seed=1)
  with pytest.raises(ValueError, match="pass `directory`"):
    RungEvaluator(evaluator, EPOCHS)


def test_children_that_inherit_weights_have_no_rungs(tmp_path):
  task = ImageClassification("digits", DigitsSource(), flip=False, train_examples=128)
  distribution = tf.distribute.get_strategy()
  evaluator = InheritedEvaluator(
    task, make_space("autokeras"), NETWORK, CONFIG, directory=str(tmp_path), distribution=distribution, seed=1
  )
  with pytest.raises(ValueError, match="not in rungs"):
    RungEvaluator(evaluator, EPOCHS)
