import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.evaluators.training_evaluator import TrainingEvaluator
from nao_tf.networks.image_network import ImageNetworkConfig
from nao_tf.spaces.genotypes import LstmGenotype
from nao_tf.tasks import make_task
from nao_tf.tasks.base import Task
from nao_tf.tasks.trainers import make_trainer
from nao_tf.training.batch_trainer import BatchTrainer
from nao_tf.training.language_trainer import LanguageModelTrainer
from tests.support import image_cases, toy_text
from tests.support.own_task import BrightCorners, NoBatches
from tests.support.shared_cases import SPACE


def make(task, genotype=image_cases.GENOTYPE, network=image_cases.NETWORK, training=image_cases.TRAINING):
  return make_trainer(task, genotype, network, training, distribution=tf.distribute.get_strategy(), seed=3)


def test_the_trainer_is_that_of_the_kind_of_task():
  assert type(make(make_task("digits"))) is BatchTrainer
  trainer = make(toy_text.toy_task(), toy_text.GENOTYPE, toy_text.NETWORK, toy_text.TRAINING)
  assert type(trainer) is LanguageModelTrainer
  assert trainer.network.vocabulary_size == 10


def test_the_trainer_is_told_what_the_task_fills_in():
  trainer = make(make_task("digits"))
  assert (trainer.training_config.crop_padding, trainer.training_config.flip) == (1, False)


def test_drop_path_reaches_its_full_rate_at_the_last_step():
  trainer = make(make_task("digits", train_examples=256), network=ImageNetworkConfig(1, 4, synchronized_norm=True))
  assert trainer.network.config.drop_path_steps == 2 * 256 // 64
  assert not trainer.network.config.synchronized_norm
  trainer = make(make_task("digits"), network=ImageNetworkConfig(1, 4, drop_path_steps=7))
  assert trainer.network.config.drop_path_steps == 7


def test_a_task_of_ones_own_needs_data_losses_and_scores_only():
  task = BrightCorners()
  trainer = make(task, training=dataclasses.replace(image_cases.TRAINING, epochs=6, batch_size=16))
  first, *_, last = trainer.fit()
  assert last["valid_closeness"] > first["valid_closeness"] + 0.1
  assert trainer.evaluate("test").keys() == {"closeness"}


def test_a_task_of_ones_own_can_be_searched_for(no_graphs):
  space, task = SPACE, BrightCorners()
  evaluator = TrainingEvaluator(
    task,
    space,
    image_cases.NETWORK,
    task.child.training_config,
    distribution=tf.distribute.get_strategy(),
    seed=1,
  )
  (evaluation,) = evaluator.evaluate([space.sample(np.random.default_rng(0))])
  assert evaluation.reward == evaluation.metrics["closeness"]


def test_what_does_not_fit_is_refused():
  with pytest.raises(
    ValueError, match="bright_corners: its networks are built from a CellGenotype, got a LstmGenotype"
  ):
    make(BrightCorners(), LstmGenotype())
  with pytest.raises(ValueError, match="the network of a CellGenotype needs a ImageNetworkConfig, got a LanguageModel"):
    make(BrightCorners(), network=toy_text.NETWORK)
  with pytest.raises(ValueError, match="bright_corners: a batch of 64 is more than the 3 training examples"):
    make(NoBatches())


class Puzzle(Task):
  """A task of no known kind."""

  name, genotypes, input_shape, num_outputs = "puzzle", (LstmGenotype,), (), 2

  def num_examples(self, split):
    return 1

  def steps_per_epoch(self, training_config):
    return 1


def test_a_task_of_no_known_kind_is_refused():
  with pytest.raises(
    ValueError, match=r"there is no trainer for a tests\.tasks\.test_trainers:Puzzle; expected one of"
  ):
    make(Puzzle(), LstmGenotype())
