"""Supernet trainers are chosen by the class of the task."""

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.networks.image_network import ImageNetworkConfig
from nao_tf.networks.language_model import LanguageModelConfig
from nao_tf.registries import load_place
from nao_tf.spaces import make_space
from nao_tf.spaces.nasnet import SMALL, NasnetSpace
from nao_tf.supernets import SUPERNET_TRAINERS, make_supernet_trainer
from nao_tf.supernets.config import SharingConfig
from nao_tf.supernets.image_supernet_trainer import ImageSupernetTrainer
from nao_tf.supernets.recurrent_supernet_trainer import RecurrentSupernetTrainer
from nao_tf.supernets.supernet_trainer import SupernetTrainer
from nao_tf.tasks.base import Task
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
