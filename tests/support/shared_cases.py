"""Small searches with shared weights, for several tests."""

import dataclasses

import numpy as np
import tensorflow as tf

from nao_tf.evaluators.shared_weights_evaluator import SharedWeightsEvaluator
from nao_tf.spaces.nasnet import SMALL, NasnetSpace
from nao_tf.supernets import make_supernet_trainer
from nao_tf.supernets.config import SharingConfig
from nao_tf.tasks.image_classification import ImageClassification
from nao_tf.tasks.image_sources import DigitsSource
from nao_tf.training.config import TrainingConfig
from tests.support.image_cases import NETWORK

SPACE = NasnetSpace("tiny", SMALL[2:], num_nodes=2)  # Pools and identities: quick to trace.
TRAINING = TrainingConfig(epochs=4, batch_size=64, learning_rate=0.1, evaluation_batch_size=150)
SHARING = SharingConfig(pool_size=8, reference_size=3, calibration_batches=2)
ROUNDS = dataclasses.replace(SHARING, epochs_per_round=2)


def sample(count, seed=0, space=SPACE):
  """Returns random architectures."""
  rng = np.random.default_rng(seed)
  return [space.canonical(space.sample(rng)) for _ in range(count)]


def make_task(**options):
  """Returns digits, of which 256 are trained on."""
  return ImageClassification("digits", DigitsSource(), flip=False, train_examples=256, **options)


def make_trainer(sharing=SHARING, *, space=SPACE, network=NETWORK, training=TRAINING, distribution=None, seed=3):
  """Returns a fresh trainer of a small supernet."""
  distribution = distribution or tf.distribute.get_strategy()
  return make_supernet_trainer(make_task(), space, network, training, sharing, distribution=distribution, seed=seed)


def make_evaluator(
  directory, sharing=SHARING, *, training=TRAINING, task=None, space=SPACE, network=NETWORK, seed=3, **options
):
  """Returns an evaluator with shared weights in a directory."""
  distribution = tf.distribute.get_strategy()
  arguments = (task or make_task(), space, network, training, sharing)
  return SharedWeightsEvaluator(*arguments, directory=str(directory), distribution=distribution, seed=seed, **options)


def comparable(evaluations):
  """Returns what of evaluations is the same in every process."""
  return [(evaluation.reward, dict(evaluation.metrics)) for evaluation in evaluations]
