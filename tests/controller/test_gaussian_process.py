import numpy as np
import pytest
import scipy.optimize

from nao_tf.benchmarks.synthetic_spaces import Ternary, Widths
from nao_tf.controller import gaussian_process
from nao_tf.controller.decision_kernel import DecisionKernel
from nao_tf.controller.gaussian_process import GaussianProcess, best_and_spread, normal_scores
from nao_tf.spaces import make_space


def sample(space, count, seed):
  rng = np.random.default_rng(seed)
  rows = list(dict.fromkeys(space.sample(rng) for _ in range(2 * count)))[:count]
  return rows, np.array([space.reward(row) for row in rows])


@pytest.fixture(scope="module")
def fitted():
  """A process that has learned 80 rewards of a space, and what it learned."""
  space = Widths()
  rows, rewards = sample(space, 80, 0)
  process = GaussianProcess(DecisionKernel(space))
  process.fit(rows, normal_scores(rewards), np.random.default_rng(0))
  return space, process, rows, rewards


def test_normal_scores_keep_the_order_and_nothing_else():
  found = normal_scores([3.0, -1e9, 5.0])
  np.testing.assert_allclose(found, [0, -0.9674, 0.9674], atol=1e-4)


def test_it_predicts_rewards_that_it_has_not_seen(fitted):
  space, process, _, _ = fitted
  rows, rewards = sample(space, 200, 1)
  beliefs = process.predict(rows, np.random.default_rng(0))
  assert np.corrcoef(beliefs.mean, rewards)[0, 1] > 0.8


def test_it_knows_what_it_has_seen_better_than_the_rest(fitted):
  space, process, rows, _ = fitted
  seen, unseen = (process.predict(r, np.random.default_rng(0)) for r in (rows, sample(space, 200, 1)[0]))
  assert seen.deviation.max() < unseen.deviation.mean()


def test_the_truth_is_within_its_intervals_about_as_often_as_they_say(fitted):
  space, process, _, known = fitted
  rows, rewards = sample(space, 400, 2)
  truth = np.interp(rewards, np.sort(known), np.sort(normal_scores(known)))
  beliefs = process.predict(rows, np.random.default_rng(0))
  z = np.abs(truth - beliefs.mean) / np.sqrt(beliefs.deviation**2 + process.noise)
  assert 0.35 < (z < 0.674).mean() < 0.7 and 0.8 < (z < 1.645).mean() < 0.98


def test_what_is_unlike_all_trials_is_expected_to_be_worse_than_a_search_that_found_good_ones():
  """Twenty trials of a search are good and alike. Ten random ones are bad. What is like none of them is no good bet."""
  space, rng = make_space("nasbench201"), np.random.default_rng(0)
  good = list(dict.fromkeys(space.mutate((3,) * 6, rng) for _ in range(60)))[:20]
  others = [row for row in (space.sample(rng) for _ in range(200)) if row.count(3) == 1]
  process = GaussianProcess(DecisionKernel(space))
  process.fit(good + others[:10], normal_scores([*np.arange(20) + 100, *np.arange(10)]), rng)
  unlike = [row for row in (space.sample(rng) for _ in range(200)) if row.count(3) == 0]
  assert process.predict(unlike, rng).mean.mean() < -0.5


def test_the_same_trials_give_the_same_process(fitted):
  space, process, rows, rewards = fitted
  again = GaussianProcess(DecisionKernel(space))
  again.fit(rows[:5], normal_scores(rewards[:5]), np.random.default_rng(3))
  again.fit(rows, normal_scores(rewards), np.random.default_rng(0))
  one, other = (p.predict(rows, np.random.default_rng(0)) for p in (process, again))
  np.testing.assert_array_equal(one.mean, other.mean)


def test_what_is_believed_of_one_is_believed_of_those_like_it(fitted):
  space, process, _, _ = fitted
  rows = sample(space, 50, 4)[0]
  beliefs = process.predict(rows, np.random.default_rng(0))
  before = beliefs.deviation
  chosen = beliefs.most_promising([])
  beliefs.believe(chosen)
  assert (beliefs.deviation <= before).all() and beliefs.deviation[chosen] < before[chosen]
  assert beliefs.most_promising([chosen]) != chosen


def test_of_many_trials_it_keeps_the_best_and_some_of_all_ranks():
  space = Ternary()
  rows, rewards = sample(space, 60, 0)
  process = GaussianProcess(DecisionKernel(space), max_trials=20)
  process.fit(rows, normal_scores(rewards), np.random.default_rng(0))
  seen = process.predict(rows, np.random.default_rng(0)).deviation
  kept = best_and_spread(rewards, 20)
  assert seen[kept].max() < np.delete(seen, kept).min()
  ranks = np.sort(np.argsort(np.argsort(-rewards))[kept])
  assert len(ranks) == 20 and (ranks[:10] == np.arange(10)).all() and ranks[-1] == 59 and np.diff(ranks).max() <= 6


@pytest.mark.parametrize(("count", "most"), [(5, 5), (5, 9), (6, 5), (201, 200), (7, 1), (1000, 3)])
def test_as_many_trials_as_wanted_are_kept(count, most):
  kept = best_and_spread(np.random.default_rng(0).normal(size=count), most)
  assert len(set(kept)) == min(count, most) and sorted(kept) == list(kept)


def test_what_was_bad_is_still_known_to_be_bad_after_many_good_trials():
  space = Ternary()
  rows, rewards = sample(space, 300, 0)
  few = GaussianProcess(DecisionKernel(space), max_trials=60)
  few.fit(rows, normal_scores(rewards), np.random.default_rng(0))
  worst = [rows[index] for index in np.argsort(rewards)[:100]]
  assert few.predict(worst, np.random.default_rng(0)).mean.mean() < -0.5


@pytest.mark.parametrize("count", [1, 2])
def test_one_or_two_trials_are_enough(count):
  space = Ternary()
  rows, rewards = sample(space, count, 0)
  process = GaussianProcess(DecisionKernel(space))
  process.fit(rows, normal_scores(rewards), np.random.default_rng(0))
  assert np.isfinite(process.predict(sample(space, 9, 1)[0], np.random.default_rng(0)).expected_improvement()).all()


def test_the_gradient_of_the_likelihood():
  space = Widths()
  rows, rewards = sample(space, 12, 0)
  kernel = DecisionKernel(space)
  distances, scores = kernel.distances(rows).astype(np.float64), normal_scores(rewards)
  start = np.array([*kernel.mean, -2.0, 0.3])

  def value(parameters):
    return gaussian_process._negative_log_likelihood(parameters, distances, scores)[0]

  expected = scipy.optimize.approx_fprime(start, value, 1e-4)
  found = gaussian_process._negative_log_likelihood(start, distances, scores)[1]
  np.testing.assert_allclose(found, expected, rtol=0.05, atol=0.02)
