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
  """Trains candidate networks from scratch. The reward of a candidate is computed by the task from its validation metrics.

  An evaluation depends only on the architecture and the settings. So does the seed of a candidate, and all encodings of
  a network are trained as its canonical one.
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
    """Initializes the evaluator, after checking that task and space fit.

    Args:
      task: the task to train candidates on.
      space: the search space.
      network_config: size and regularization of candidate networks.
      training_config: how candidates are trained.
      distribution: the `tf.distribute.Strategy` to train with.
      seed: random seed.
      max_parameters: maximum number of trainable parameters; a larger candidate fails without being trained. None for
        no limit.
      reward: the epoch whose validation result is the reward: "last", or "best" as in the released search of the paper,
        which is biased upward.
      directory: directory of the search; required for rungs, whose checkpoints are stored there.
      latency_batch_size: batch size at which the metric `latency` is measured; None to not measure it.

    Raises:
      ValueError: if there is no validation set, the space is for other networks, an option is out of range, or
        candidates cannot be trained as configured, because there is no such optimizer or a batch is larger than the
        data.
    """
    if reward not in REWARDS:
      raise ValueError(f"unknown reward {reward!r}; expected one of {', '.join(REWARDS)}")
    task.check_genotype(space.decode(space.sample(np.random.default_rng(seed))))
    if not task.num_examples("valid"):
      raise ValueError(f"{task.name}: a search needs a validation set; set validation_fraction above 0")
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
    """Returns the keyword arguments of the class for a context."""
    return {
      "distribution": context.distribution or tf.distribute.get_strategy(),
      "seed": context.seed,
      "max_parameters": context.max_parameters,
      "reward": context.reward,
      "latency_batch_size": context.latency_batch_size if LATENCY in context.objectives else None,
    }

  def watch(self, on_epoch: Callable[[Epoch], None]) -> None:
    """Registers a function that is called with each training epoch; see `nao_tf.evaluators.base.Watchable`."""
    self._on_epoch = on_epoch

  def evaluate(self, architectures: Sequence[Architecture]) -> Iterator[Evaluation]:
    """Yields one evaluation per architecture, in order and as soon as it is done.

    An evaluation fails, with a `reason`, if the candidate diverges, does not fit in memory, cannot be built, or has too
    many parameters, or if an example cannot be read.

    Raises:
      ValueError: if an architecture does not belong to the space.
    """
    for architecture in architectures:
      with released_graphs():
        evaluation = self._evaluate(architecture)
      yield evaluation

  def check_epochs(self, epochs: Sequence[int]) -> None:
    """Checks that candidates can be trained in rungs; see `nao_tf.evaluators.rung_evaluator.Resumable`."""
    if self._stopped is None:
      raise ValueError("trainings in rungs are kept in the directory of the search; pass `directory`")
    if epochs[-1] != self._training_config.epochs:
      raise ValueError(
        f"the last rung must be the length of a full training, {self._training_config.epochs} epochs, got {epochs[-1]}"
      )

  def evaluate_until(self, architecture: Architecture, epochs: int) -> Evaluation:
    """Trains a candidate up to the given number of epochs, keeps its state, and returns its evaluation.

    Completed epochs are not repeated. A training in several parts gives the same result as one without pauses.
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
  """Returns the seed of a candidate, 31 bits that depend only on the seed of the search and the architecture."""
  return int(np.random.SeedSequence([seed, *architecture]).generate_state(1)[0]) >> 1


def _validation(epoch: Metrics) -> Metrics:
  """Returns the metrics of an epoch on the validation set."""
  return {name.removeprefix("valid_"): value for name, value in epoch.items() if name.startswith("valid_")}
