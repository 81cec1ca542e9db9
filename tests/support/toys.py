"""Small real things that several tests need: a tiny space, a quick evaluator, a search that can be killed."""

import sys
import time

import numpy as np

from nao_tf.runs.journal import Journal
from nao_tf.searches.loop import run_search
from nao_tf.spaces import make_space
from nao_tf.spaces.base import Decision, SearchSpace
from nao_tf.strategies import make_strategy
from nao_tf.trial import Evaluation


class ToySpace(SearchSpace):
  """Four decisions; the first two may be swapped, and the last two must not both be 0."""

  name = "toy"
  decisions = (Decision("part", 3), Decision("part", 3), Decision("mode", 2), Decision("mode", 2))

  def check_rules(self, architecture):
    if architecture[2] == architecture[3] == 0:
      raise ValueError("toy: positions 2 and 3 must not both be 0")

  def canonical(self, architecture):
    return (*sorted(architecture[:2]), *architecture[2:])

  def random_equivalent(self, architecture, rng):
    return (architecture[1], architecture[0], *architecture[2:])

  def decode(self, architecture):
    self.validate(architecture)
    return str(architecture)


class CountingEvaluator:
  """Deterministic and quick: the reward counts choices equal to 1, with a small share for the order; some fail."""

  def __init__(self, seconds=0.0):
    self.seconds = seconds

  def evaluate(self, architectures):
    for architecture in architectures:
      time.sleep(self.seconds)
      yield self.score(architecture)

  def score(self, architecture):
    if sum(architecture) % 17 == 0:
      return Evaluation.failed("the sum of choices is a multiple of 17")
    weights = 1 / np.arange(1, len(architecture) + 1)
    return Evaluation(float((np.asarray(architecture) == 1) @ weights / weights.sum()))


def search_toy(directory, strategy_name, num_trials, seconds=0.0, space_name="nasnet5", batch_size=4, seed=3):
  """Runs a search as a user's program would; `python -m tests.support.toys DIRECTORY STRATEGY TRIALS SECONDS` runs this."""
  space = ToySpace() if space_name == "toy" else make_space(space_name)
  strategy = make_strategy(strategy_name, space, seed=seed)
  with Journal(directory, {"strategy": strategy_name, "seed": seed}) as journal:
    return run_search(strategy, CountingEvaluator(seconds), journal, num_trials=num_trials, batch_size=batch_size)


if __name__ == "__main__":
  search_toy(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
