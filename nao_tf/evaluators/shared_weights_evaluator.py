"""An evaluator that scores architectures with shared weights.

With the strategy NAO this is NAO-WS (Luo et al., NeurIPS 2018), with random search "Random-WS", and with evolution
one-shot evolution.

Each batch of architectures is a round. First, the supernet is trained on a pool: the batch, a set of random reference
architectures, the best architectures of earlier rounds, and further random ones. Then each architecture is scored on
the same validation examples, as if it were a separate network (see `nao_tf.supernets`), in this process or by several
workers in parallel (see `nao_tf.evaluators.shared_scores`).

Scores increase as the supernet is trained, whatever the architecture. To make scores of different rounds comparable,
the reference architectures are rescored in every round, and scores are mapped linearly so that the median and the
interquartile range of the reference match those of the first round. Mean and standard deviation would not work, because
the losses of some architectures are extreme outliers.
"""

import dataclasses
import itertools
import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from nao_tf.evaluators.context import EvaluatorContext
from nao_tf.networks.cost_bounds import known_multiply_adds
from nao_tf.runs.settings import check_settings
from nao_tf.spaces.base import SearchSpace
from nao_tf.supernets import make_supernet_trainer
from nao_tf.supernets.config import SharingConfig
from nao_tf.supernets.full_size import check_shared_training
from nao_tf.supernets.rounds import Round, RoundsFile
from nao_tf.tasks.base import Task
from nao_tf.training.base import BaseTrainingConfig, Diverged, Metrics
from nao_tf.training.training_directory import TrainingDirectory
from nao_tf.trial import Architecture, Evaluation

DIRECTORY = "shared_weights"
TRAINING_DIRECTORY = "supernet"
_RANDOM_ATTEMPTS = 200
# Strategies draw by [seed, number of trials]. With one more number, what is drawn here has nothing in common with that.
_REFERENCE_STREAM, _POOL_STREAM = 1, 2


class SharedWeightsEvaluator:
  """Scores architectures with shared weights. Rewards are scores mapped to the scale of the first round.

  All encodings of a network are trained and scored as its canonical encoding. After an interruption, a new process that
  is asked for the missing evaluations returns the same results as the old one would have.

  Attributes:
    trainer: trainer of the supernet.
  """

  def __init__(
    self,
    task: Task,
    space: SearchSpace,
    network_config: Any,
    training_config: BaseTrainingConfig,
    sharing_config: SharingConfig,
    *,
    directory: str,
    distribution: tf.distribute.Strategy,
    seed: int,
    max_parameters: int | None = None,
    progress: bool = False,
    tensorboard: bool = True,
    score_elsewhere: Callable[[Sequence[Architecture]], Iterable[Evaluation]] | None = None,
  ) -> None:
    """Creates the supernet, or restores it from the directory.

    Args:
      task: the task to train on.
      space: the search space that architectures are sampled from.
      network_config: size and regularization of the networks.
      training_config: how the supernet is trained.
      sharing_config: how weights are shared and architectures are scored.
      directory: directory of the supernet; created if it does not exist, resumed if it does.
      distribution: the `tf.distribute.Strategy` to train with.
      seed: random seed.
      max_parameters: maximum number of trainable parameters; a larger architecture fails without being trained. None
        for no limit.
      progress: whether to show a progress bar of the training.
      tensorboard: whether to write training curves for TensorBoard.
      score_elsewhere: see `EvaluatorContext`.

    Raises:
      ValueError: if there is no validation set or no supernet for the task, the space or a configuration does not fit,
        or almost no architecture is within `max_parameters`.
      RunDirectoryError: if the directory belongs to other shared weights.
      OSError: if the directory cannot be created or written to.
    """
    check_shared_training(training_config, num_replicas=distribution.num_replicas_in_sync)
    task.check_genotype(space.decode(space.sample(np.random.default_rng(seed))))
    if not task.num_examples("valid"):
      raise ValueError(f"{task.name}: a search needs a validation set; set validation_fraction above 0")
    self._task, self._space, self._sharing_config, self._max_parameters = task, space, sharing_config, max_parameters
    self._epochs, self._seed, self._progress = training_config.epochs, seed, progress
    self._network_config, self._score_elsewhere = network_config, score_elsewhere
    self.trainer = make_supernet_trainer(
      task, space, network_config, training_config, sharing_config, distribution=distribution, seed=seed
    )
    rng = np.random.default_rng([seed, 0, _REFERENCE_STREAM])
    self._reference = self._random(sharing_config.reference_size, (), rng)
    if not self._reference:
      raise ValueError(f"{space.name}: no random architecture has at most max_parameters={max_parameters} parameters")
    os.makedirs(directory, exist_ok=True)
    check_settings(
      directory,
      {
        "task": task.name,
        "space": space.name,
        "network": dataclasses.asdict(network_config),
        "training": dataclasses.asdict(training_config),
        "sharing": dataclasses.asdict(sharing_config),
        "seed": seed,
        "max_parameters": max_parameters,
      },
    )
    self._rounds = RoundsFile(directory, space)
    self._training = TrainingDirectory(
      os.path.join(directory, TRAINING_DIRECTORY), self.trainer, tensorboard=tensorboard
    )

  @classmethod
  def from_context(cls, context: EvaluatorContext) -> "SharedWeightsEvaluator":
    """Returns the evaluator of a search, with its supernet in the search's directory.

    Raises:
      ValueError: if the context has no task or no directory.
    """
    directory = context.directory_for("shared weights")
    task = context.task()
    configs = context.supernet_configs(task)
    return cls(
      task,
      context.space,
      configs.network_config,
      configs.training_config,
      context.sharing_config,
      directory=os.path.join(directory, DIRECTORY),
      distribution=context.distribution or tf.distribute.get_strategy(),
      seed=context.seed,
      max_parameters=context.max_parameters,
      progress=context.progress,
      tensorboard=context.tensorboard,
      score_elsewhere=context.score_elsewhere,
    )

  def evaluate(self, architectures: Sequence[Architecture]) -> Iterator[Evaluation]:
    """Trains the supernet, then yields one evaluation per architecture, in order and as soon as it is available.

    An architecture fails, with a `reason`, if it has too many parameters or one of its metrics is NaN or infinite. If
    training diverges, all architectures of this and of later rounds fail.

    Raises:
      ValueError: if an architecture does not belong to the space.
    """
    canonical = [self._canonical(architecture) for architecture in architectures]
    start = time.perf_counter()
    round_ = self._rounds.resume(canonical) or self._new_round(canonical)
    self._train(round_)
    if self._rounds.divergence is not None:
      yield from (Evaluation.failed(self._rounds.divergence, time.perf_counter() - start) for _ in canonical)
      return
    line = self._line(round_)
    scores = self._scores([architecture for architecture in canonical if self._fits(architecture)])
    share = (time.perf_counter() - start) / len(canonical)
    for architecture in canonical:
      start = time.perf_counter()
      reward, metrics = self._evaluate(architecture, round_, line, scores)
      yield Evaluation(reward, share + time.perf_counter() - start, metrics)

  def score(self, architecture: Architecture) -> float:
    """Returns the score of an architecture with the current weights, not mapped to the scale of the first round."""
    return self._score(self.trainer.score(self._canonical(architecture)))

  def scores(self, architectures: Sequence[Architecture]) -> list[float]:
    """Returns the score of each architecture, NaN if it cannot be scored; see `score`."""
    return [self._score_or_nan(scored) for scored in self._scores([self._canonical(a) for a in architectures])]

  def _scores(self, architectures: Sequence[Architecture]) -> Iterator[Metrics | Evaluation]:
    """Yields the metrics of each architecture, in order; a failed evaluation if it cannot be scored."""
    if self._score_elsewhere is None:
      yield from map(self._score_here, architectures)
      return
    num_steps = self.trainer.num_steps_done
    for evaluation in self._score_elsewhere([(num_steps, *architecture) for architecture in architectures]):
      yield {name: float(text) for name, text in evaluation.metrics.items()} if evaluation.ok else evaluation

  def _score_here(self, architecture: Architecture) -> Metrics:
    with self._task.data_errors():
      return self.trainer.score(architecture)

  def _score(self, metrics: Metrics) -> float:
    return self._task.reward(metrics) if self._sharing_config.score == "reward" else -metrics["loss"]

  def _canonical(self, architecture: Architecture) -> Architecture:
    self._space.validate(architecture)
    return self._space.canonical(architecture)

  def _new_round(self, architectures: list[Architecture]) -> Round:
    """Records a round. Its pool is filled up with the best of earlier rounds, then with random architectures."""
    config = self._sharing_config
    per_round = config.epochs_per_round or self._epochs
    last_epoch = min(self._epochs, (len(self._rounds) + 1) * per_round)
    candidates = itertools.chain(self._reference, architectures, self._rounds.best_first())
    pool = list(dict.fromkeys(architecture for architecture in candidates if self._fits(architecture)))
    least = len(set(self._reference) | set(architectures))
    pool = pool[: max(least, config.pool_size)]
    rng = np.random.default_rng([self._seed, len(self._rounds), _POOL_STREAM])
    pool += self._random(config.pool_size - len(pool), pool, rng)
    return self._rounds.add(architectures, pool, last_epoch)

  def _random(self, count: int, others: Sequence[Architecture], rng: np.random.Generator) -> list[Architecture]:
    """Samples distinct random architectures that are within the size limit and not among the others.

    It returns fewer than `count` if they are hard to find.
    """
    found = dict.fromkeys(others)
    for _ in range(_RANDOM_ATTEMPTS * count):
      if len(found) == len(others) + count:
        break
      architecture = self._space.canonical(self._space.sample(rng))
      if architecture not in found and self._fits(architecture):
        found[architecture] = None
    return list(found)[len(others) :]

  def _train(self, round_: Round) -> None:
    """Trains for a round unless training has diverged before; records if it diverges now."""
    if self._rounds.divergence is None and int(self.trainer.epoch) < round_.last_epoch:
      self.trainer.start_round(round_.pool, round_.last_epoch)
      try:
        with self._task.data_errors():
          self._training.fit(progress=self._progress)
      except Diverged as error:
        self._rounds.add_divergence(str(error))

  def _line(self, round_: Round) -> tuple[float, float]:
    """Returns slope and intercept of the linear map from scores of this round to rewards."""
    first = self._rounds.first_with(round_.last_epoch)
    if first.number == 0 and self._epochs == round_.last_epoch:
      return 1.0, 0.0
    here, there = (np.array(self._rounds.reference(number)) for number in (first.number, 0))
    if not len(here):
      here = np.array(self.scores(self._reference))
      self._rounds.add_reference(first.number, here.tolist())
    return _line_between(here, there if len(there) else here)

  def _score_or_nan(self, scored: Metrics | Evaluation) -> float:
    return math.nan if isinstance(scored, Evaluation) else self._score(scored)

  def _evaluate(
    self, architecture: Architecture, round_: Round, line: tuple[float, float], scores: Iterator[Metrics | Evaluation]
  ) -> tuple[float | None, dict[str, Any]]:
    """Returns the reward of an architecture, None if it fails, and its metrics.

    Args:
      architecture: the architecture.
      round_: the current round.
      line: slope and intercept of the map from scores of this round to rewards.
      scores: scores of this architecture and the following ones that are within the size limit.
    """
    parameters = self.trainer.num_parameters(architecture)
    if not self._fits(architecture):
      return None, {"reason": f"{parameters} parameters are more than max_parameters, {self._max_parameters}"}
    metrics = next(scores)
    if isinstance(metrics, Evaluation):
      return None, dict(metrics.metrics)
    score = self._score(metrics)
    reward = line[0] * score + line[1]
    if not np.isfinite([reward, *metrics.values()]).all():
      return None, {"reason": f"its score with shared weights was {score}"}
    self._rounds.add_reward(architecture, reward)
    costs = {"parameters": parameters, **self._multiply_adds(architecture)}
    return reward, {**metrics, "score": score, **costs, "round": round_.number, "epochs": round_.last_epoch}

  def _multiply_adds(self, architecture: Architecture) -> Metrics:
    """Returns the multiply-adds per example as a metric; empty if they are unknown for such networks."""
    task, genotype = self._task, self._space.decode(architecture)
    number = known_multiply_adds(genotype, self._network_config, task.input_shape, task.num_outputs)
    return {} if number is None else {"multiply_adds": number}

  def _fits(self, architecture: Architecture) -> bool:
    return self._max_parameters is None or self.trainer.num_parameters(architecture) <= self._max_parameters


def _line_between(here: np.ndarray, there: np.ndarray) -> tuple[float, float]:
  """Returns slope and intercept of the line that maps the median and interquartile range of `here` to those of `there`.

  Only architectures with finite scores on both sides count.
  """
  finite = np.isfinite(here) & np.isfinite(there)
  if not finite.any():
    return 1.0, 0.0
  (low, middle, high), (new_low, new_middle, new_high) = (np.percentile(x[finite], (25, 50, 75)) for x in (here, there))
  slope = (new_high - new_low) / (high - low) if high > low else 1.0
  return float(slope), float(new_middle - slope * middle)
