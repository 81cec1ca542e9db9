"""Benchmarks of strategies on the scores of a supernet that was trained once, in spaces too large to enumerate.

A score with shared weights takes a fraction of a second, so many searches with many queries can be compared. It is not the
reward of a training from scratch. But it depends on all decisions as a reward does, and no table has to be made first.
"""

import hashlib
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from nao_tf.benchmarks.score_files import ScoreFiles
from nao_tf.benchmarks.strategy_benchmark import SCORE, BenchmarkConfig, Run, runs_of, search_scores
from nao_tf.evaluators.context import EvaluatorContext
from nao_tf.evaluators.shared_scores import make_trainer, training_directory
from nao_tf.evaluators.shared_weights_evaluator import DIRECTORY
from nao_tf.runs.settings import CONFIG_FILE
from nao_tf.spaces.base import SearchSpace
from nao_tf.supernets.supernet_trainer import SupernetTrainer
from nao_tf.training.base import Metrics
from nao_tf.training.history import HISTORY_FILE, read_history
from nao_tf.training.training_directory import restore_latest
from nao_tf.trial import Architecture, Evaluation

SCORES_DIRECTORY = "benchmark_scores"


class SupernetScores:
  """An evaluator that scores architectures with a trained supernet, and reads from the disk what was scored before.

  Attributes:
    space: space of the architectures.
  """

  def __init__(
    self,
    space: SearchSpace,
    trainer: SupernetTrainer,
    score: Callable[[Metrics], float],
    files: ScoreFiles,
  ):
    """Initializes with a supernet.

    Args:
      space: space of the architectures.
      trainer: trainer of the supernet, which is trained.
      score: returns the score, given the metrics of an architecture.
      files: keep scores.
    """
    self.space, self._trainer, self._score, self._files = space, trainer, score, files

  @classmethod
  def from_context(cls, context: EvaluatorContext) -> "SupernetScores":
    """Returns the scores with the supernet of a search.

    Args:
      context: the one of the search that trained it.

    Raises:
      ValueError: if its supernet is not trained to the end; see `check_trained`.
    """
    directory, task = context.directory_for("shared weights"), context.task()
    trainer = make_trainer(context, task)
    check_trained(directory, trainer.training_config.epochs)
    restore_latest(training_directory(directory), trainer)
    files = ScoreFiles(os.path.join(directory, SCORES_DIRECTORY, digest_of(directory)), context.space)
    by_reward = context.sharing_config.score == "reward"
    return cls(context.space, trainer, task.reward if by_reward else lambda metrics: -metrics["loss"], files)

  def refresh(self) -> None:
    """Reads the scores that other processes have taken meanwhile."""
    self._files.refresh()

  def evaluate(self, architectures: Sequence[Architecture]) -> Iterator[Evaluation]:
    """Yields the evaluation of each architecture. It fails if the score is NaN or infinite."""
    for architecture in architectures:
      canonical = self.space.canonical(architecture)
      if canonical not in self._files:
        score = self._score(self._trainer.score(canonical))
        self._files.add(canonical, score if math.isfinite(score) else None)
      found = self._files[canonical]
      yield Evaluation.failed("its score with shared weights is not a number") if found is None else Evaluation(found)


class SupernetSearch:
  """Runs searches of a benchmark on the scores of a supernet. It can be pickled before the first one."""

  def __init__(self, make_scores: Callable[[], SupernetScores]):
    """Takes what makes the scores, in the process that searches, before its first search."""
    self._make_scores = make_scores
    self._scores: SupernetScores | None = None

  def __call__(self, run: Run) -> None:
    """Runs a search and writes its record."""
    scores = self._scores = self._scores or self._make_scores()
    scores.refresh()
    search_scores(run, scores.space, scores)


def make_runs(
  strategies: Mapping[str, Mapping[str, Any]], seeds: Sequence[int], config: BenchmarkConfig, directory: str
) -> list[Run]:
  """Returns the searches of a benchmark: all strategies with the first seed, then with the second one, and so on.

  Args:
    strategies: further keyword arguments of each strategy, by its name.
    seeds: seeds of each strategy.
    config: settings that all searches share. Its table is the directory of the search that trained the supernet.
    directory: directory of the benchmark.

  Raises:
    ValueError: if the config names a figure of a table, several objectives, or an end that only a table knows.
    OSError: if the supernet cannot be read.
  """
  if (config.objective or SCORE, config.report or SCORE) != (SCORE, SCORE):
    raise ValueError(f"the objective with a supernet is its score, got {config.objective} and {config.report}")
  if config.stop_at_best or config.objectives:
    raise ValueError("stop_at_best and several objectives need a table: of a supernet, the best score is not known")
  config = BenchmarkConfig(config.table, SCORE, SCORE, config.num_trials, config.batch_size)
  return runs_of(strategies, seeds, config, f"supernet {digest_of(config.table)}", directory)


def check_trained(directory: str, epochs: int) -> None:
  """Checks that a supernet is trained to the end.

  Args:
    directory: directory of the search that trains it.
    epochs: epochs of the whole training.

  Raises:
    ValueError: if it is not, or there is none.
  """
  history = read_history(training_directory(directory))
  done = int(history[-1]["epoch"]) if history else 0
  if done < epochs:
    raise ValueError(f"{directory}: its supernet is trained for {done} of {epochs} epochs; resume the search first")


def digest_of(directory: str) -> str:
  """Returns what identifies the supernet of a search, wherever its directory is: a hash of its settings and its course.

  Raises:
    OSError: if they cannot be read.
  """
  paths = os.path.join(directory, DIRECTORY, CONFIG_FILE), os.path.join(training_directory(directory), HISTORY_FILE)
  digest = hashlib.sha256()
  for path in paths:
    with open(path, "rb") as file:
      digest.update(file.read())
  return digest.hexdigest()[:16]
