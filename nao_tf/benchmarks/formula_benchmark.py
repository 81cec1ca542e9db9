"""Benchmarks of strategies on search spaces with a known reward for each architecture, such as a synthetic function."""

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from nao_tf.benchmarks.strategy_benchmark import SCORE, BenchmarkConfig, Run, runs_of, search_scores
from nao_tf.spaces import make_space
from nao_tf.spaces.base import SearchSpace
from nao_tf.trial import Architecture, Evaluation

_NUM_PROBES = 64
"""Architectures whose rewards identify a formula."""


@runtime_checkable
class Rewarding(Protocol):
  """A search space with known rewards, which can be searched without a table."""

  def reward(self, architecture: Architecture) -> float:
    """Returns the reward of an architecture, equal for all encodings of a network. Higher is better."""


class FormulaEvaluator:
  """Evaluates architectures by the known reward of their space."""

  def __init__(self, space: Rewarding):
    """Initializes with the space."""
    self._space = space

  def evaluate(self, architectures: Sequence[Architecture]) -> Iterator[Evaluation]:
    """Yields the evaluation of each architecture. It fails if the reward is NaN or infinite."""
    for reward in map(self._space.reward, architectures):
      yield Evaluation(float(reward)) if math.isfinite(reward) else Evaluation.failed(f"its reward is {reward}")


def search(run: Run) -> None:
  """Runs a search on the space that its config names instead of a table, and writes its record."""
  space = make_space(run.config.table)
  best = best_reward(space) if run.config.stop_at_best else None
  search_scores(run, space, FormulaEvaluator(_rewarding(space)), stop_at=math.inf if best is None else best)


def make_runs(
  strategies: Mapping[str, Mapping[str, Any]], seeds: Sequence[int], config: BenchmarkConfig, directory: str
) -> list[Run]:
  """Returns the searches of a benchmark: all strategies with the first seed, then with the second one, and so on.

  Args:
    strategies: further keyword arguments of each strategy, by its name.
    seeds: seeds of each strategy.
    config: settings that all searches share. Its table is the name of the space.
    directory: directory of the benchmark.

  Raises:
    ValueError: if the space has no rewards, or the config needs a table, or an end that the space does not know.
  """
  space = make_space(config.table)
  _rewarding(space)
  if config.objective or config.report or config.objectives:
    raise ValueError("--objective, --report and --objectives need --table: without one, the objective is the reward")
  if config.stop_at_best and best_reward(space) is None:
    raise ValueError(f"--stop_at_best: {config.table} has no known best reward; expected an attribute best_reward")
  config = BenchmarkConfig(config.table, SCORE, SCORE, config.num_trials, config.batch_size, config.stop_at_best)
  return runs_of(strategies, seeds, config, f"formula {_digest(space)}", directory)


def best_reward(space: SearchSpace) -> float | None:
  """Returns the highest reward of a space, its attribute `best_reward`; None if it does not know it."""
  best = getattr(space, "best_reward", None)
  return None if best is None else float(best)


def _rewarding(space: SearchSpace) -> Rewarding:
  if not isinstance(space, Rewarding):
    raise ValueError(
      f"expected --table or --supernet, or a space with a method `reward`; {type(space).__name__} of --space has none"
    )
  return space


def _digest(space: SearchSpace) -> str:
  """Returns what identifies a formula: a hash of its rewards of a few architectures."""
  rng = np.random.default_rng(0)
  rewards = [_rewarding(space).reward(space.sample(rng)) for _ in range(_NUM_PROBES)]
  return hashlib.sha256(repr([f"{reward:.6g}" for reward in rewards]).encode()).hexdigest()[:16]
