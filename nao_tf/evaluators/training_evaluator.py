"""The evaluator that trains every architecture from scratch, as in the paper (Luo et al., NeurIPS 2018, algorithm 1)."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow import keras

from nao_tf.evaluators.base import REWARDS
from nao_tf.evaluators.context import EvaluatorContext
from nao_tf.evaluators.stopped_trainings import StoppedTrainings
from nao_tf.networks.building import NetworkConfig, num_inference_parameters
from nao_tf.networks.cost_bounds import known_multiply_adds
from nao_tf.networks.latency import latency
from nao_tf.objectives.objective import LATENCY
from nao_tf.spaces.base import SearchSpace
from nao_tf.spaces.genotypes import Genotype
from nao_tf.tasks.base import DamagedData, Task
from nao_tf.tasks.trainers import check_training, make_trainer
from nao_tf.training.base import BaseTrainingConfig, Diverged, Epoch, Metrics, NetworkTrainer, watched_epochs
from nao_tf.training.graph_memory import released_graphs
from nao_tf.trial import Architecture, Evaluation, first_line

_UNAVAILABLE = (MemoryError, tf.errors.ResourceExhaustedError)


class TrainingEvaluator:
  """Trains children. The reward of a child is the reward that the task gives its metrics on the validation set.

  An evaluation is a function of the architecture and the settings. The seed of a child depends on nothing else, and for
  all encodings of a network the canonical one is trained.
  """

  def __init__(
    self,
    task: Task,
    space: SearchSpace,
    network_config: NetworkConfig,
    training_config: BaseTrainingConfig,
    *,
    distribution: tf.distribute.Strategy,
    seed: int,
    max_parameters: int | None = None,
    reward: str = "last",
    directory: str | None = None,
    latency_batch_size: int | None = None,
  ):
    """Checks that task and space fit.

    Args:
      task: what the children learn.
      space: the space of the architectures.
      network_config: how large and how regularized the children are.
      training_config: how the children are trained.
      distribution: the `tf.distribute.Strategy` of the process.
      seed: seed of all children.
      max_parameters: a child with more trainable parameters fails without being trained; None for no bound.
      reward: the epoch that gives the reward: "last", or "best" as in the released search of the paper, which is
        optimistic.
      directory: directory of the search; needed to train children in rungs, whose checkpoints are kept there.
      latency_batch_size: examples of the batch that the metric `latency` is measured with; None to measure none.

    Raises:
      ValueError: if there is no validation set, the space is one of other networks, an option is out of range, or
        children cannot be trained so: there is no such optimizer, or a batch is larger than the data.
    """
    if reward not in REWARDS:
      raise ValueError(f"unknown reward {reward!r}; expected one of {', '.join(REWARDS)}")
    task.check_genotype(space.decode(space.sample(np.random.default_rng(seed))))
    if not task.num_examples("valid"):
      raise ValueError(f"{task.name}: a search needs a validation set; give a validation_fraction above 0")
    check_training(task, training_config, num_replicas=distribution.num_replicas_in_sync)
    self._task, self._space = task, space
    self._network_config, self._training_config = network_config, training_config
    self._distribution, self._seed, self._max_parameters, self._reward = distribution, seed, max_parameters, reward
    self._latency_batch_size = latency_batch_size
    self._on_epoch: Callable[[Epoch], None] = lambda epoch: None
    self._stopped = None if directory is None else StoppedTrainings(directory)

  @classmethod
  def from_context(cls, context: EvaluatorContext) -> "TrainingEvaluator":
    """Returns the evaluator of a search; see `EvaluatorClass.from_context`."""
    return cls(*cls.arguments(context), **cls.options(context), directory=context.directory)

  @staticmethod
  def arguments(context: EvaluatorContext) -> tuple[Any, ...]:
    """Returns the positional arguments of the class for a context."""
    task = context.task()
    configs = context.configs or task.child
    return task, context.space, configs.network_config, configs.training_config

  @staticmethod
  def options(context: EvaluatorContext) -> dict[str, Any]:
    """Returns the other arguments of the class for a context."""
    return {
      "distribution": context.distribution or tf.distribute.get_strategy(),
      "seed": context.seed,
      "max_parameters": context.max_parameters,
      "reward": context.reward,
      "latency_batch_size": context.latency_batch_size if LATENCY in context.objectives else None,
    }

  def watch(self, on_epoch: Callable[[Epoch], None]) -> None:
    """Calls a function from now on with each epoch of a training; see `nao_tf.evaluators.base.Watchable`."""
    self._on_epoch = on_epoch

  def evaluate(self, architectures: Sequence[Architecture]) -> Iterator[Evaluation]:
    """Yields one evaluation for each architecture, in order, as soon as it is done.

    The evaluation fails, with a `reason`, if a child diverges, does not fit in memory, cannot be built, or has too many
    parameters, or if an example cannot be read.

    Raises:
      ValueError: if an architecture is not one of the space.
    """
    for architecture in architectures:
      with released_graphs():
        evaluation = self._evaluate(architecture)
      yield evaluation

  def check_epochs(self, epochs: Sequence[int]) -> None:
    """Checks that children can be trained in rungs; see `nao_tf.evaluators.rung_evaluator.Resumable`."""
    if self._stopped is None:
      raise ValueError("trainings in rungs are kept in the directory of the search; give `directory`")
    if epochs[-1] != self._training_config.epochs:
      raise ValueError(
        f"the last rung must be that of a whole training, {self._training_config.epochs} epochs, got {epochs[-1]}"
      )

  def evaluate_until(self, architecture: Architecture, epochs: int) -> Evaluation:
    """Returns the evaluation of a child after so many epochs, and keeps it to be trained on.

    Epochs that it was trained before are not trained again. A training to the last epoch in parts is the same as one at
    once.
    """
    with released_graphs():
      evaluation = self._evaluate(architecture, epochs)
    if self._stopped is not None and (not evaluation.ok or epochs == self._training_config.epochs):
      self._stopped.forget(self._space.canonical(architecture))
    return evaluation

  def _evaluate(self, architecture: Architecture, until: int | None = None) -> Evaluation:
    self._space.validate(architecture)
    canonical = self._space.canonical(architecture)
    genotype = self._space.decode(canonical)
    start = time.perf_counter()
    try:
      with self._task.data_errors():
        reward, metrics = self._train(genotype, canonical, until)
    except (Diverged, DamagedData, _TooLarge) as error:
      return Evaluation.failed(str(error), time.perf_counter() - start)
    except _UNAVAILABLE as error:
      return Evaluation.failed(f"out of memory: {first_line(error)}", time.perf_counter() - start)
    except tf.errors.OpError as error:
      return Evaluation.raised(error, time.perf_counter() - start)
    infinite = [name for name, value in metrics.items() if not np.isfinite(value)]
    if infinite:
      return Evaluation.failed(f"its {infinite[0]} was {metrics[infinite[0]]}", time.perf_counter() - start)
    return Evaluation(reward, time.perf_counter() - start, metrics)

  def _begin(self, network: keras.Model, architecture: Architecture) -> None:
    """Does what is to be done with a fresh network before it is trained: nothing."""

  def _end(self, network: keras.Model, architecture: Architecture) -> None:
    """Does what is to be done with a trained network: nothing."""

  def _epochs(self, trainer: NetworkTrainer) -> Iterator[Metrics]:
    """Trains a network; yields the metrics of its epochs."""
    return watched_epochs(trainer, self._on_epoch)

  def _epochs_until(self, trainer: NetworkTrainer, architecture: Architecture, until: int | None) -> Sequence[Metrics]:
    """Returns the metrics of all epochs of a child up to one, those that it was trained before included."""
    if until is None or self._stopped is None:
      return list(self._epochs(trainer))
    return self._stopped.train_on(trainer, architecture, until, self._on_epoch)

  def _train(self, genotype: Genotype, architecture: Architecture, until: int | None = None) -> tuple[float, Metrics]:
    """Returns the reward and the metrics of a child, given its canonical architecture.

    Args:
      genotype: genotype of the child.
      architecture: canonical.
      until: the epoch to stop after; None: the last one.
    """
    trainer = make_trainer(
      self._task,
      genotype,
      self._network_config,
      self._training_config,
      distribution=self._distribution,
      seed=child_seed(self._seed, architecture),
      on_network=lambda network: self._begin(network, architecture),
    )
    parameters = num_inference_parameters(trainer.network)
    if self._max_parameters is not None and parameters > self._max_parameters:
      raise _TooLarge(f"{parameters} parameters are more than max_parameters, {self._max_parameters}")
    trained = self._epochs_until(trainer, architecture, until)
    epochs = [epoch for epoch in trained if any(name.startswith("valid_") for name in epoch)]
    self._end(trainer.network, architecture)
    rewarded = [self._task.reward(_validation(epoch)) for epoch in epochs]
    chosen = int(np.argmax(rewarded)) if self._reward == "best" else -1
    return rewarded[chosen], {
      **_validation(epochs[chosen]),
      "train_loss": epochs[chosen]["train_loss"],
      "parameters": parameters,
      **self._multiply_adds(genotype),
      **self._latency(trainer.network),
      "epochs": epochs[chosen]["epoch"],
    }

  def _latency(self, network: keras.Model) -> Metrics:
    """Returns the latency of a network as a metric, if it is to be measured."""
    if self._latency_batch_size is None:
      return {}
    return {LATENCY: latency(network, self._task.input_shape, batch_size=self._latency_batch_size)}

  def _multiply_adds(self, genotype: Genotype) -> Metrics:
    """Returns the multiply-adds of one example as a metric; none if they are not known for such networks."""
    task = self._task
    number = known_multiply_adds(genotype, self._network_config, task.input_shape, task.num_outputs)
    return {} if number is None else {"multiply_adds": number}


class _TooLarge(Exception):
  """Raised when a child has too many parameters."""


def child_seed(seed: int, architecture: Architecture) -> int:
  """Returns the seed of a child, 31 bits that depend only on the seed of the search and the architecture."""
  return int(np.random.SeedSequence([seed, *architecture]).generate_state(1)[0]) >> 1


def _validation(epoch: Metrics) -> Metrics:
  """Returns the metrics of an epoch on the validation set."""
  return {name.removeprefix("valid_"): value for name, value in epoch.items() if name.startswith("valid_")}
