"""Policies are distributions, and their steps follow the exact gradient."""

import itertools

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from nao_tf.spaces.base import Decision, SearchSpace
from nao_tf.strategies.policies import make_policy
from nao_tf.strategies.reinforce_config import ReinforceConfig

CONFIGS = {
  "table": ReinforceConfig("table"),
  "lstm": ReinforceConfig("lstm", units=6),
  "two layers": ReinforceConfig("lstm", num_layers=2, units=4),
}


class Small(SearchSpace):
  name = "small"
  decisions = (Decision("input", 2), Decision("operation", 3), Decision("input", 2))

  def decode(self, architecture):
    return architecture


ROWS = tf.constant(list(itertools.product(range(2), range(3), range(2))), tf.int32)
REWARDS = np.random.default_rng(0).normal(size=len(ROWS)).astype(np.float32)


@pytest.fixture(params=CONFIGS)
def policy(request):
  policy = make_policy(Small(), CONFIGS[request.param], seed=1)
  rng = np.random.default_rng(2)
  for variable in policy.trainable_variables:  # Away from the beginning, where all is about equally likely.
    variable.assign(rng.normal(size=variable.shape).astype(np.float32))
  return policy


def probabilities(policy):
  return tf.exp(policy.log_probabilities(ROWS)[0])


def test_the_probabilities_of_all_rows_add_up_to_one(policy):
  values = probabilities(policy).numpy()
  assert values.sum() == pytest.approx(1.0, abs=1e-5) and np.ptp(values) > 0.05


def test_samples_have_the_probabilities(policy):
  rows = [tuple(row) for row in ROWS.numpy().tolist()]
  samples = policy.sample(3000, np.random.default_rng(0))
  counts = np.bincount([rows.index(row) for row, _ in samples], minlength=len(rows))
  expected = probabilities(policy).numpy().astype(np.float64)
  assert scipy.stats.chisquare(counts, expected / expected.sum() * len(samples)).pvalue > 1e-3
  for row, log_probability in samples[:20]:
    assert np.exp(log_probability) == pytest.approx(expected[rows.index(row)], rel=1e-4)


@pytest.mark.parametrize("baseline", [0.0, 5.0])
def test_the_expected_step_is_the_exact_policy_gradient(policy, baseline):
  """Over all rows, weighted by their probabilities, whatever the baseline."""
  variables = policy.trainable_variables
  weights = probabilities(policy).numpy() * len(ROWS)
  with tf.GradientTape() as tape:
    loss = policy.loss(ROWS, weights * (REWARDS - baseline), tf.zeros(len(ROWS)))
  estimated = tape.gradient(loss, variables)
  with tf.GradientTape() as tape:
    expected_reward = tf.reduce_sum(probabilities(policy) * REWARDS)
  for mine, exact in zip(estimated, tape.gradient(expected_reward, variables)):
    np.testing.assert_allclose(tf.convert_to_tensor(mine), -tf.convert_to_tensor(exact), atol=2e-5)


def test_ppo_begins_with_the_same_gradient_and_stops_beyond_its_bound():
  policy = make_policy(Small(), ReinforceConfig(clip_ratio=0.2, num_updates=2), seed=0)
  old, _ = policy.log_probabilities(ROWS)
  plain = make_policy(Small(), ReinforceConfig(), seed=0)

  def gradient(of, old_values):
    with tf.GradientTape() as tape:
      loss = of.loss(ROWS, REWARDS, old_values)
    return tape.gradient(loss, of.trainable_variables)[0].numpy()

  np.testing.assert_allclose(gradient(policy, old), gradient(plain, old), atol=1e-6)
  moved = old - tf.math.log(1.3) * tf.sign(REWARDS)  # Each ratio has gone as far as it may, in its own direction.
  np.testing.assert_allclose(gradient(policy, moved), 0.0, atol=1e-7)


def test_the_entropy_falls_while_a_policy_learns_and_its_weight_keeps_it_up():
  entropies = {}
  for weight in (0.0, 10.0):
    policy = make_policy(Small(), ReinforceConfig(learning_rate=0.1, entropy_weight=weight), seed=0)
    for _ in range(30):
      policy.update(ROWS.numpy(), REWARDS, np.zeros(len(ROWS)))
    entropies[weight] = policy.log_probabilities(ROWS)[1].numpy()[0]
  uniform = np.log(2) + np.log(3) + np.log(2)
  assert entropies[0.0] < 0.8 * uniform and entropies[10.0] == pytest.approx(uniform, rel=0.02)


def test_draws_and_entropies_are_computed_in_graphs_with_the_same_results(policy):
  rows, entropies = policy.draw(20, np.random.default_rng(3)), policy.log_probabilities(ROWS)[1].numpy()
  tf.config.run_functions_eagerly(True)
  try:
    eager = policy.draw(20, np.random.default_rng(3)), policy.log_probabilities(ROWS)[1].numpy()
  finally:
    tf.config.run_functions_eagerly(False)
  assert rows == eager[0]
  np.testing.assert_allclose(entropies, eager[1], rtol=1e-5)


def test_a_policy_traces_each_graph_once_for_all_numbers_of_rows(policy):
  for count in (1, 7, 20):
    rows = policy.draw(count, np.random.default_rng(count))
    policy.log_probabilities(tf.constant(rows, tf.int32))
  graphs = [policy._describe_rows, *([policy._draw_rows] if hasattr(policy, "_draw_rows") else [])]
  assert [graph.experimental_get_tracing_count() for graph in graphs] == [1] * len(graphs)
