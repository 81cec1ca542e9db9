"""What the process of NAO chooses from, and what it expects."""

import types

import numpy as np
import pytest

from nao_tf.spaces import make_space
from nao_tf.strategies.nao_pool import around_the_best, breed, expected_scores
from nao_tf.trial import RANDOM, Evaluation, Origin, Trial

SPACE = make_space("nasbench201")
BEST = [Trial(n, (n,) * 6, RANDOM).close(Evaluation(float(-n))) for n in range(3)]


def pool(centers, with_random):
  return list(around_the_best(SPACE, BEST, centers, np.random.default_rng(0), with_random=with_random))


def test_all_neighbors_of_the_centers_are_there_and_mutants_of_the_best():
  proposals = pool(BEST[:1], with_random=False)
  neighbors = [architecture for architecture, origin in proposals if origin == Origin("neighbor", (0,))]
  assert neighbors == list(SPACE.neighbors(BEST[0].architecture))
  mutants = [(architecture, origin) for architecture, origin in proposals if origin.kind == "mutation"]
  assert len(mutants) + len(neighbors) == len(proposals)
  parents = [origin.parents[0] for _, origin in mutants]
  assert parents.count(0) > parents.count(2) > 0  # The better, the more often.
  assert all(SPACE.is_valid(architecture) for architecture, _ in mutants)


def test_random_ones_are_there_if_asked_for():
  assert [origin for _, origin in pool([], with_random=True)].count(RANDOM) == 200
  assert RANDOM not in [origin for _, origin in pool([], with_random=False)]


def test_a_prediction_is_the_share_of_lower_rewards_within_its_intervals():
  means = np.array([0.0, 2.0])
  beliefs = types.SimpleNamespace(mean=means, interval=lambda share: np.stack([means - share, means + share], axis=-1))
  middle, high = expected_scores(beliefs, BEST, 7)
  assert (middle.score, high.score) == pytest.approx((0.5, 0.977), abs=1e-3)
  assert middle.asked_before == 7
  assert middle.interval_90[0] <= middle.interval_50[0] <= -1.0 <= middle.interval_50[1] <= middle.interval_90[1]


def test_wider_intervals_have_the_same_center():
  means = np.array([0.0])
  beliefs = types.SimpleNamespace(mean=means, interval=lambda share: np.stack([means - share, means + share], axis=-1))
  (plain,), (wide,) = (expected_scores(beliefs, BEST, 7, {0.5: factor, 0.9: factor}) for factor in (1.0, 2.0))
  assert plain == expected_scores(beliefs, BEST, 7)[0] and wide.score == plain.score
  for narrow, wider in ((plain.interval_50, wide.interval_50), (plain.interval_90, wide.interval_90)):
    assert wider[0] < narrow[0] < narrow[1] < wider[1]
    assert sum(wider) == pytest.approx(sum(narrow))


def test_breeding_goes_on_from_what_is_promising():
  start, target = (0,) * 6, np.array([1, 2, 3, 4, 1, 2])
  found = {start: (start, Origin("neighbor", (0,)))}

  def add(proposals):
    new = {architecture: proposal for proposal in proposals if (architecture := proposal[0]) not in found}
    found.update(new)
    return list(new.values())

  def promise(proposals):
    return np.array([(np.array(architecture) == target).sum() for architecture, _ in proposals], float)

  breed(SPACE, list(found.values()), add, promise, np.random.default_rng(0))
  rng = np.random.default_rng(0)
  chance = max(promise([(SPACE.sample(rng), RANDOM) for _ in range(len(found))]))
  assert max(promise(list(found.values()))) > chance
  assert {origin for _, origin in found.values()} == {
    Origin("neighbor", (0,)),
    Origin("mutation", (0,), indirect=True),
  }


def test_breeding_ends_where_nothing_is_new():
  breed(SPACE, [(BEST[0].architecture, RANDOM)], lambda _: [], lambda _: np.zeros(1), np.random.default_rng(0))
