"""What a task is: data, the networks that genotypes become on it, their training, and a figure to be judged by.

An evaluator and the binaries know no more about a task than `Task`. `nao_tf.training.batch_trainer` knows `BatchTask`,
where losses and scores are per example, so that the loop can weigh them: under several replicas each
contributes its share, and in an evaluation every example counts once.
"""

import abc
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import tensorflow as tf
from tensorflow import keras

from nao_tf.spaces.base import SearchSpace
from nao_tf.supernets.config import SharingConfig
from nao_tf.training.config import TrainingConfig

SPLITS = ("train", "valid", "test")


@dataclasses.dataclass(frozen=True)
class Setup:
  """How networks are built and trained: the two halves of an experiment.

  Attributes:
    network: a configuration of the task's kind of networks, a dataclass.
    recipe: a training recipe, a dataclass.
  """

  network: Any
  recipe: Any


class NetworkTrainer(Protocol):
  """A network in training, of whatever task.

  Attributes:
    task: what it learns.
    config: the recipe, complete.
    network: the network.
    epoch: a variable: how many epochs have been completed.
    steps_per_epoch: how many steps an epoch has, about.
    resumes_within_epochs: whether a training can go on from a state between two steps of an epoch.
  """

  task: Any
  config: Any
  network: keras.Model
  epoch: tf.Variable
  resumes_within_epochs: bool

  @property
  def steps_per_epoch(self) -> int:
    """How many steps an epoch has, about."""

  @property
  def num_steps_done(self) -> int:
    """How many steps have been made, in all epochs."""

  @property
  def state(self) -> dict[str, Any]:
    """What a checkpoint must hold for the training to go on as if nothing had happened."""

  def fit(self, *, on_step: Callable[[], None] = lambda: None) -> Iterator[dict[str, float]]:
    """Trains from what has been reached to the last epoch; calls `on_step` after each step, yields each epoch's metrics.

    Yields:
      `epoch` (from 1), `train_loss`, `seconds`, and from time to time metrics on the validation set, with `valid_` before
      their names.

    Raises:
      nao_tf.training.batch_trainer.Diverged: if the loss is no number any more.
    """

  def evaluate(self, split: str) -> dict[str, float]:
    """Returns the network's metrics on a split, every example counted once."""

  def restore_best(self) -> None:
    """Gives the network the weights that are to be exported, as `fit` does at its end."""


class Task(abc.ABC):
  """A learning problem that networks are built for, trained on and compared by.

  Attributes:
    name: key in the registry, or the name of the data set.
    kind: what its examples are, in a word.
    space: name of the search space that its networks are of, if no other is named.
    reward_metric: which of the metrics the reward is made of.
    genotypes: the types of genotypes that its networks are built from.
    child: how the children of a search are built and trained in the paper.
    final: how networks are built and trained there after the search.
    final_options: options of the task itself that differ then.
  """

  name: str
  kind: str
  space: str
  reward_metric: str
  genotypes: tuple[type, ...]
  child: Setup
  final: Setup
  final_options: Mapping[str, Any] = {}

  @abc.abstractmethod
  def make_trainer(
    self, genotype: Any, network_config: Any, config: Any, *, distribution: tf.distribute.Strategy, seed: int
  ) -> NetworkTrainer:
    """Returns a fresh network in training.

    Args:
      genotype: what a search space decodes to.
      network_config: how large and how regularized the network is, a dataclass of the task's kind of networks.
      config: the recipe.
      distribution: the process's distribution.
      seed: of the weights, of the order of the examples and of everything drawn at random.

    Raises:
      ValueError: if the genotype is of another kind, or the recipe does not fit the data or the replicas.
    """

  @abc.abstractmethod
  def make_shared_trainer(
    self,
    space: SearchSpace,
    network_config: Any,
    config: Any,
    sharing: SharingConfig,
    *,
    distribution: tf.distribute.Strategy,
    seed: int,
  ) -> Any:
    """Returns the networks of all architectures of a space in training, with shared weights.

    Args:
      space: of the kind that networks for this task are built from.
      network_config: as for `make_trainer`.
      config: the recipe.
      sharing: how weights are shared and made into scores.
      distribution: the process's distribution.
      seed: of the weights, of the order of examples and architectures and of everything drawn at random.

    Returns:
      A `nao_tf.supernets.supernet_trainer.SharedTrainer`.

    Raises:
      ValueError: if the recipe does not fit the data, the replicas or shared weights.
    """

  @abc.abstractmethod
  def num_parameters(self, network: keras.Model) -> int:
    """Returns how many trainable parameters a network has, those left out that only training needs."""

  @abc.abstractmethod
  def num_examples(self, split: str) -> int:
    """Returns how many examples "train", "valid" or "test" has; 0 if there is no such split."""

  @abc.abstractmethod
  def export_network(self, network: keras.Model, directory: str, *, genotype: Any) -> None:
    """Writes a network as a SavedModel, in place of an older one.

    Raises:
      ValueError: if something else is there.
      nao_tf.serving.saved_models.ExportError: if what was written does not answer as the network does.
    """

  @abc.abstractmethod
  def evaluate_exported(self, directory: str, split: str = "test") -> dict[str, float]:
    """Returns the metrics of an exported network on a split.

    Raises:
      ValueError: if there is no exported network, or it is not one for this task.
    """

  def metrics(self, means: Mapping[str, float]) -> dict[str, float]:
    """Returns the metrics, given the mean of each score over all examples."""
    return dict(means)

  def reward(self, metrics: Mapping[str, float]) -> float:
    """Returns the reward, which grows with quality."""
    return metrics[self.reward_metric]

  def check_genotype(self, genotype: Any) -> None:
    """Checks that a genotype is of a kind that networks for this task are built from.

    Raises:
      ValueError: if not.
    """
    if not isinstance(genotype, self.genotypes):
      expected = " or ".join(kind.__name__ for kind in self.genotypes)
      raise ValueError(
        f"{self.name}: its networks are built from a {expected}, got a {type(genotype).__name__}; is the search space one"
        " for this task?"
      )


class BatchTask(Task):
  """A task whose examples come in batches, each example by itself: one for `nao_tf.training.batch_trainer.Trainer`."""

  def recipe(self, config: TrainingConfig) -> TrainingConfig:
    """Returns the recipe with everything filled in that it leaves to the task."""
    return config

  @abc.abstractmethod
  def build_network(self, genotype: Any, network_config: Any, config: TrainingConfig, *, seed: int) -> keras.Model:
    """Returns a fresh network, for the distribution strategy in whose scope it is called.

    Args:
      genotype: what a search space decodes to.
      network_config: how large and how regularized it is, a dataclass of the task's kind of networks.
      config: the recipe, which says how long it will be trained.
      seed: of the initial weights and of what the network draws at random in training.
    """

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
