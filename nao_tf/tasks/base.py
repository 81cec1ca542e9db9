"""What a task is: data, the network that a genotype becomes on it, a loss, and a figure to be judged by.

A training loop and an evaluator know no more about a task than this. Losses and scores are per example, so that a loop
can weigh them: under several replicas each contributes its share, and in an evaluation every example counts once.
"""

import abc
import dataclasses
from collections.abc import Mapping
from typing import Any

import tensorflow as tf
from tensorflow import keras

from nao_tf.recipe import TrainingConfig

SPLITS = ("train", "valid", "test")


class Task(abc.ABC):
  """A learning problem that networks are built for, trained on and compared by.

  Attributes:
    name: key in the registry, or the name of the data set.
    reward_metric: which of the metrics becomes the reward.
  """

  name: str
  reward_metric: str

  def recipe(self, config: TrainingConfig) -> TrainingConfig:
    """Returns the recipe with everything filled in that it leaves to the task."""
    return config

  @abc.abstractmethod
  def build_network(self, genotype: Any, network_config: Any, config: TrainingConfig, *, seed: int) -> keras.Model:
    """Returns a fresh network, for the distribution strategy in whose scope it is called.

    Args:
      genotype: what a search space decodes to.
      network_config: how large and how regularised it is, a dataclass of the task's kind of networks.
      config: the recipe, which says how long it will be trained.
      seed: of the initial weights and of what the network draws at random in training.
    """

  @abc.abstractmethod
  def num_parameters(self, network: keras.Model) -> int:
    """Returns how many trainable parameters a network has, those left out that only training needs."""

  @abc.abstractmethod
  def num_examples(self, split: str) -> int:
    """Returns how many examples "train", "valid" or "test" has; 0 if there is no such split."""

  @abc.abstractmethod
  def training_batches(self, config: TrainingConfig, *, seed: int, first_epoch: int = 0) -> tf.data.Dataset:
    """Returns all batches from an epoch up to the last, `steps_per_epoch` for each.

    They are a function of (recipe, seed, epoch, step): a training that goes on at an epoch sees what it would have seen.

    Returns:
      Pairs (inputs, targets), each with `config.batch_size` examples.
    """

  @abc.abstractmethod
  def evaluation_batches(self, split: str, batch_size: int) -> tf.data.Dataset:
    """Returns a split in batches of one size.

    Returns:
      Triples (inputs, targets, weights): weights are 1 for an example and 0 for what fills up the last batch, `[B]`.
    """

  @abc.abstractmethod
  def losses(
    self, network: keras.Model, inputs: tf.Tensor, targets: tf.Tensor, step: tf.Tensor, config: TrainingConfig
  ):
    """Returns the losses of a network in training, `[B]`.

    Args:
      network: the network.
      inputs: a batch, as `training_batches` gives it.
      targets: what it should say to it.
      step: number of the training step from 0, which whatever is drawn at random depends on.
      config: the recipe.
    """

  @abc.abstractmethod
  def scores(self, network: keras.Model, inputs: tf.Tensor, targets: tf.Tensor) -> Mapping[str, tf.Tensor]:
    """Returns figures per example of a network in inference, each `[B]`; their means are metrics."""

  def steps_per_epoch(self, config: TrainingConfig) -> int:
    """Returns the number of full batches in the training examples.

    Raises:
      ValueError: if there is not even one.
    """
    steps = self.num_examples("train") // config.batch_size
    if not steps:
      raise ValueError(
        f"{self.name}: a batch of {config.batch_size} is more than the {self.num_examples('train')} training examples"
      )
    return steps

  def metrics(self, means: Mapping[str, float]) -> dict[str, float]:
    """Returns the metrics, given the mean of each score over all examples."""
    return dict(means)

  def reward(self, metrics: Mapping[str, float]) -> float:
    """Returns the reward, which grows with quality."""
    return metrics[self.reward_metric]


def check_split(split: str) -> None:
  """Checks the name of a split.

  Raises:
    ValueError: if it is none.
  """
  if split not in SPLITS:
    raise ValueError(f"unknown split {split!r}; expected one of {', '.join(SPLITS)}")


def replace_unset(config: TrainingConfig, **defaults: Any) -> TrainingConfig:
  """Returns the recipe with those of the named fields set to their defaults that are None."""
  return dataclasses.replace(config, **{k: v for k, v in defaults.items() if getattr(config, k) is None})
