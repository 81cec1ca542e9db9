"""Local search climbs from neighbor to neighbor and begins again where there is no better one."""

import numpy as np
import pytest

from nao_tf.spaces import make_space
from nao_tf.strategies import make_strategy
from nao_tf.trial import Evaluation, Trial
from tests.support import asking

SPACE = make_space("nasbench201")


def climb(score, num_trials, batch_size=1):
  return asking.search(make_strategy("local_search", SPACE), score, num_trials, batch_size)


def rises(trials):
  """Returns the trials that the climb went on from: those that became a parent."""
  parents = {parent for trial in trials for parent in trial.origin.parents}
  return [trial for trial in trials if trial.id in parents]


def test_the_climb_goes_on_from_the_first_better_neighbor():
  trials = climb(sum, 60)
  summits = [trial for trial in trials if trial.reward == 6 * 4]
  assert summits and trials[0].origin.kind == "random" and trials[1].origin.kind == "neighbor"
  path = [trial for trial in rises(trials) if trial.id <= summits[0].id]
  assert [trial.reward for trial in path] == sorted({trial.reward for trial in path})
  for trial in trials[1 : summits[0].id + 1]:
    (parent,) = trial.origin.parents
    assert trial.architecture in set(SPACE.neighbors(trials[parent].architecture))


def test_a_summit_is_left_when_all_its_neighbors_are_known():
  trials = climb(lambda architecture: 0.0, 60)
  starts = [trial.id for trial in trials if trial.origin.kind == "random"]
  assert starts[:2] == [0, 1 + len(list(SPACE.neighbors(trials[0].architecture)))]


def test_a_better_neighbor_that_is_known_costs_nothing():
  strategy = make_strategy("local_search", SPACE)
  low, high = (0,) * 6, (1, 0, 0, 0, 0, 0)
  strategy.tell([Trial(0, low, evaluation=Evaluation(1.0)), Trial(1, high, evaluation=Evaluation(2.0))])
  (asked,) = strategy.ask(1)
  assert strategy.origin(asked).parents == (1,)


def test_a_batch_begins_at_its_best_architecture():
  trials = climb(sum, 20, batch_size=10)
  best = max(trials[:10], key=lambda trial: (trial.reward, -trial.id))
  assert {trial.origin.kind for trial in trials[:10]} == {"random"}
  assert {trial.origin.parents for trial in trials[10:]} == {(best.id,)}


def test_what_is_being_evaluated_is_waited_for():
  strategy = make_strategy("local_search", SPACE)
  start = strategy.ask(1)[0]
  strategy.tell([Trial(0, start, strategy.origin(start), Evaluation(1.0))])
  neighbors = strategy.ask(len(list(SPACE.neighbors(start))))
  (other,) = strategy.ask(1)
  assert strategy.origin(other).kind == "random"
  better = Trial(3, neighbors[3], strategy.origin(neighbors[3]), Evaluation(2.0))
  strategy.tell([better, Trial(99, other, strategy.origin(other), Evaluation(0.5))])
  assert strategy.origin(strategy.ask(1)[0]).parents == (3,)


@pytest.mark.parametrize("batch_size", [1, 8])
def test_failures_are_no_summits(batch_size):
  rng = np.random.default_rng(0)
  trials = climb(lambda a: None if rng.random() < 0.5 else sum(a), 80, batch_size)
  assert all(trial.reward is not None for trial in rises(trials))
