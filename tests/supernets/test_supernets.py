"""Supernet trainers are chosen by the class of the task."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.networks.image_network import ImageNetworkConfig
from nao_tf.networks.language_model import LanguageModelConfig
from nao_tf.registries import load_place
from nao_tf.spaces import make_space
from nao_tf.spaces.nasnet import SMALL, NasnetSpace
from nao_tf.supernets import SUPERNET_CHECKS, SUPERNET_TRAINERS, check_supernet, make_supernet_trainer
from nao_tf.supernets.config import SharingConfig
from nao_tf.supernets.image_supernet_trainer import ImageSupernetTrainer
from nao_tf.supernets.recurrent_supernet_trainer import RecurrentSupernetTrainer
from nao_tf.supernets.supernet_trainer import SupernetTrainer
from nao_tf.tasks.base import Task
from nao_tf.training.config import ELEMENTWISE_OPTIMIZERS
from nao_tf.training.language_config import LanguageTrainingConfig
from tests.support import toy_text
from tests.support.own_task import BrightCorners

SPACE = NasnetSpace("tiny", SMALL[2:], num_nodes=2)
IMAGES, IMAGE_TRAINING = BrightCorners.child.network_config, BrightCorners.child.training_config
TEXT, TEXT_TRAINING = toy_text.NETWORK, toy_text.TRAINING


def make(task, space, network_config, training_config):
  distribution = tf.distribute.get_strategy()
  return make_supernet_trainer(
    task, space, network_config, training_config, SharingConfig(), distribution=distribution, seed=1
  )


@pytest.mark.parametrize("place", [*SUPERNET_TRAINERS, *SUPERNET_TRAINERS.values()])
def test_there_is_something_at_every_place_of_the_registry(place):
  assert callable(load_place(place, "supernet trainer"))


def test_language_models_have_a_supernet_of_their_own():
  trainer = make(toy_text.toy_task(), make_space("rnn12"), TEXT, TEXT_TRAINING)
  assert isinstance(trainer, RecurrentSupernetTrainer)


def test_a_task_of_ones_own_has_the_supernet_of_its_base_class():
  trainer, rng = make(BrightCorners(), SPACE, IMAGES, IMAGE_TRAINING), np.random.default_rng(0)
  assert isinstance(trainer, ImageSupernetTrainer) and isinstance(trainer, SupernetTrainer)
  pool = [SPACE.canonical(SPACE.sample(rng)) for _ in range(2)]
  trainer.start_round(pool, 1)
  assert [metrics["epoch"] for metrics in trainer.fit()] == [1]
  assert set(trainer.score(pool[0])) == {"closeness"}


class Regression(Task):
  """A task of no known class."""

  name = "regression"
  input_shape, num_outputs = (4,), 1

  def num_examples(self, split):
    return 8

  def steps_per_epoch(self, training_config):
    return 1


def test_a_task_without_a_supernet_is_named_together_with_what_there_is():
  message = r"regression: there is no supernet for a task of the class .*:Regression; .*BatchTask, .*StreamTask"
  with pytest.raises(ValueError, match=message):
    make(Regression(), SPACE, IMAGES, IMAGE_TRAINING)


@pytest.mark.parametrize(
  ("task", "space", "network_config", "training_config", "message"),
  [
    (BrightCorners, "rnn12", ImageNetworkConfig(), IMAGE_TRAINING, "got a RecurrentSpace and a ImageNetworkConfig"),
    (BrightCorners, "nasnet5", LanguageModelConfig(), IMAGE_TRAINING, "got a NasnetSpace and a LanguageModelConfig"),
    (toy_text.toy_task, "nasnet5", TEXT, LanguageTrainingConfig(), "got a NasnetSpace and a LanguageModelConfig"),
    (toy_text.toy_task, "rnn12", IMAGES, LanguageTrainingConfig(), "got a RecurrentSpace and a ImageNetworkConfig"),
  ],
)
def test_another_kind_of_space_or_network_is_refused(task, space, network_config, training_config, message):
  with pytest.raises(ValueError, match=message):
    make(task(), make_space(space), network_config, training_config)


def test_a_pool_must_be_given_before_training():
  trainer = make(toy_text.toy_task(), make_space("rnn12"), TEXT, TEXT_TRAINING)
  with pytest.raises(ValueError, match="call start_round first"):
    trainer._drawn(0)


@pytest.mark.parametrize("place", [*SUPERNET_CHECKS, *SUPERNET_CHECKS.values()])
def test_there_is_something_at_every_place_of_the_registry_of_checks(place):
  assert callable(load_place(place, "check of a supernet"))
  assert set(SUPERNET_CHECKS) <= set(SUPERNET_TRAINERS)


def test_what_can_be_made_passes_the_check():
  check_supernet(BrightCorners(), SPACE, IMAGES, IMAGE_TRAINING, num_replicas=2)
  check_supernet(toy_text.toy_task(), make_space("rnn12"), TEXT, TEXT_TRAINING)


@pytest.mark.parametrize("name", ELEMENTWISE_OPTIMIZERS)
def test_shared_weights_take_each_optimizer_of_separate_weights(name):
  check_supernet(BrightCorners(), SPACE, IMAGES, dataclasses.replace(IMAGE_TRAINING, optimizer=name.upper()))


@pytest.mark.parametrize("name", ["Adafactor", "Lamb", "Muon", "Addons>LAMB"])
def test_shared_weights_refuse_an_optimizer_of_whole_variables(name):
  with pytest.raises(ValueError, match=f"updates each weight independently, one of Adadelta, .*, got {name}"):
    check_supernet(BrightCorners(), SPACE, IMAGES, dataclasses.replace(IMAGE_TRAINING, optimizer=name))


def test_batch_statistics_of_several_replicas_are_refused():
  config = dataclasses.replace(IMAGES, synchronized_norm=True)
  check_supernet(BrightCorners(), SPACE, config, IMAGE_TRAINING)
  with pytest.raises(ValueError, match="synchronized_norm must be False"):
    check_supernet(BrightCorners(), SPACE, config, IMAGE_TRAINING, num_replicas=2)
