"""The evaluator that scores architectures with shared weights: NAO-WS (Luo et al., NeurIPS 2018) with the strategy of that
name, "Random-WS" with random search, one-shot evolution with evolution.

Each batch of architectures that comes to be evaluated is a round. The supernet is first trained on a pool: the batch, a
reference of random architectures, the best of earlier rounds, and as many random ones as are missing then. After that,
each architecture is scored on the same validation examples, by itself as a separate network would be (see
`nao_tf.sharing`).

Scores rise as the supernet is trained, whatever the architectures. To make those of a later round comparable with those
of the first, the reference is scored again, and a score is mapped by the line that takes the reference's mean and
deviation in this round to those in the first.
"""

import itertools
import os
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from nao_tf.architecture import Architecture, Evaluation
from nao_tf.evaluators.rounds import Round, RoundsFile
from nao_tf.sharing.config import SharingConfig
from nao_tf.spaces.base import SearchSpace
from nao_tf.tasks.base import Task
from nao_tf.training import Diverged, Metrics
from nao_tf.training_directory import TrainingDirectory

TRAINING_DIRECTORY = "supernet"
_RANDOM_ATTEMPTS = 200


class SharedWeightsEvaluator:
  """Scores architectures with shared weights; their rewards are the scores, brought to the scale of the first round.

  All spellings of a network are trained and scored as their canonical one. Killed at any moment and asked again for what
  had not been evaluated, it gives what it would have given.
  """

  def __init__(
    self,
    task: Task,
    space: SearchSpace,
    network_config: Any,
    config: Any,
    sharing: SharingConfig,
    *,
    directory: str,
    strategy: tf.distribute.Strategy,
    seed: int,
    max_parameters: int | None = None,
    progress: bool = False,
  ):
    """Args:
      task: what the networks learn.
      space: what architectures are of.
      network_config: how large and how regularised the networks are.
      config: the recipe of the supernet's training.
      sharing: how weights are shared and made into scores.
      directory: where the supernet is kept; made if it does not exist, continued if it does.
      strategy: the process's distribution strategy.
      seed: of everything random.
      max_parameters: an architecture with more trainable parameters fails without being trained; None for no bound.
      progress: whether to show a progress bar of the training.

    Raises:
      ValueError: if there is no validation set, the space is one of other networks, or an option is out of range.
      OSError: if the directory cannot be made or written.
    """
    rng = np.random.default_rng(seed)
    task.check_genotype(space.decode(space.sample(rng)))
    if not task.num_examples("valid"):
      raise ValueError(f"{task.name}: a search needs a validation set; give a validation_fraction above 0")
    self._task, self._space, self._sharing, self._max_parameters = task, space, sharing, max_parameters
    self._epochs, self._seed, self._progress = config.epochs, seed, progress
    self.trainer = task.make_shared_trainer(space, network_config, config, sharing, strategy=strategy, seed=seed)
    self._reference = [self._random(rng) for _ in range(sharing.reference_size)]
    self._rounds = RoundsFile(directory)
    self._training = TrainingDirectory(os.path.join(directory, TRAINING_DIRECTORY), self.trainer)

  def evaluate(self, architectures: Sequence[Architecture]) -> Iterator[Evaluation]:
    """Trains the supernet, and then yields one evaluation for each architecture, in order, as soon as it is there.

    An architecture with too many parameters fails with a `reason`; all fail if the training diverges.

    Raises:
      ValueError: if an architecture is not one of the space.
    """
    canonical = [self._canonical(architecture) for architecture in architectures]
    start = time.perf_counter()
    round_ = self._rounds.resume(canonical) or self._new_round(canonical)
    try:
      self._train(round_)
    except Diverged as error:
      yield from (Evaluation.failed(str(error), time.perf_counter() - start) for _ in canonical)
      return
    line = self._line(round_)
    share = (time.perf_counter() - start) / len(canonical)
    for architecture in canonical:
      start = time.perf_counter()
      reward, metrics = self._evaluate(architecture, round_, line)
      yield Evaluation(reward, share + time.perf_counter() - start, metrics)

  def score(self, architecture: Architecture) -> float:
    """Returns the score of an architecture with the weights as they are now, not brought to any scale."""
    return self._score(self.trainer.score(self._canonical(architecture)))

  def _score(self, metrics: Metrics) -> float:
    return self._task.reward(metrics) if self._sharing.score == "reward" else -metrics["loss"]

  def _canonical(self, architecture: Architecture) -> Architecture:
    self._space.validate(architecture)
    return self._space.canonical(architecture)

  def _new_round(self, architectures: list[Architecture]) -> Round:
    """Records a round. Its pool is filled up with the best of earlier rounds, and then with random architectures."""
    per_round = self._sharing.epochs_per_round or self._epochs
    last_epoch = min(self._epochs, (len(self._rounds) + 1) * per_round)
    candidates = itertools.chain(self._reference, architectures, self._rounds.best_first())
    pool = list(dict.fromkeys(architecture for architecture in candidates if self._fits(architecture)))
    least = len(set(self._reference) | set(architectures))
    pool = pool[: max(least, self._sharing.pool_size)]
    rng = np.random.default_rng([self._seed, len(self._rounds)])
    missing = self._sharing.pool_size - len(pool)
    pool += [self._random(rng) for _ in range(missing)]
    return self._rounds.add(architectures, pool, last_epoch)

  def _random(self, rng: np.random.Generator) -> Architecture:
    """Returns a random architecture with not too many parameters, or any if that is hard to find."""
    for _ in range(_RANDOM_ATTEMPTS):
      architecture = self._space.canonical(self._space.sample(rng))
      if self._fits(architecture):
        break
    return architecture

  def _train(self, round_: Round) -> None:
    if int(self.trainer.epoch) < round_.last_epoch:
      self.trainer.start_round(round_.pool, round_.last_epoch)
      self._training.fit(progress=self._progress)

  def _line(self, round_: Round) -> tuple[float, float]:
    """Returns slope and intercept of the line from this round's rewards to those of the first."""
    first = self._rounds.first_with(round_.last_epoch)
    if first.number == 0 and self._epochs == round_.last_epoch:
      return 1.0, 0.0
    here, there = (np.array(self._rounds.reference(number)) for number in (first.number, 0))
    if not len(here):
      here = np.array([self.score(architecture) for architecture in self._reference])
      self._rounds.add_reference(first.number, here.tolist())
    there = there if len(there) else here
    slope = np.std(there) / np.std(here) if np.std(here) > 0 else 1.0
    return float(slope), float(np.mean(there) - slope * np.mean(here))

  def _evaluate(self, architecture: Architecture, round_: Round, line) -> tuple[float | None, Metrics]:
    """Returns the reward of an architecture, None if it fails, and its metrics."""
    parameters = self.trainer.num_parameters(architecture)
    if not self._fits(architecture):
      return None, {"reason": f"{parameters} parameters are more than max_parameters, {self._max_parameters}"}
    metrics = self.trainer.score(architecture)
    score = self._score(metrics)
    if not np.isfinite(score):
      return None, {"reason": f"its score with shared weights was {score}"}
    reward = line[0] * score + line[1]
    self._rounds.add_reward(architecture, reward)
    figures = {"score": score, "parameters": parameters, "round": round_.number, "epochs": round_.last_epoch}
    return reward, {**metrics, **figures}

  def _fits(self, architecture: Architecture) -> bool:
    return self._max_parameters is None or self.trainer.num_parameters(architecture) <= self._max_parameters
