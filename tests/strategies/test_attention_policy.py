"""The policy of ENAS is a distribution, its steps follow the exact gradient, and its logits are those of the paper."""

import itertools

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from nao_tf.spaces import make_space
from nao_tf.spaces.nasnet import SMALL, NasnetSpace
from nao_tf.spaces.recurrent import RecurrentSpace
from nao_tf.strategies.attention_policy import LogitsConfig, cells_of, make_attention_policy
from nao_tf.strategies.reinforce_config import ReinforceConfig

SPACES = {
  "image cells": NasnetSpace("one_node", (SMALL[0], SMALL[4]), num_nodes=1),
  "recurrent cells": RecurrentSpace("two_nodes", 2),
}
CONFIG = ReinforceConfig(policy="lstm", units=5, learning_rate=0.1)
LOGITS = LogitsConfig(
  temperature=0.5, tanh_constant=1.1, operation_divisor=2.5, separable_bias=0.5, distance_weight=0.1
)


def rows_of(space):
  return np.array(list(itertools.product(*(range(decision.size) for decision in space.decisions))), np.int32)


@pytest.fixture(scope="module", params=SPACES)
def case(request):
  space = SPACES[request.param]
  policy, rng = make_attention_policy(space, CONFIG, LOGITS, seed=1), np.random.default_rng(2)
  for variable in policy.trainable_variables:  # Away from the beginning, where all is about equally likely.
    variable.assign(rng.normal(size=variable.shape).astype(np.float32))
  return policy, rows_of(space)


def probabilities(policy, rows):
  return tf.exp(policy.log_probabilities(tf.constant(rows))[0])


def test_the_probabilities_of_all_architectures_add_up_to_one_and_samples_have_them(case):
  policy, rows = case
  expected = probabilities(policy, rows).numpy().astype(np.float64)
  assert expected.sum() == pytest.approx(1.0, abs=1e-5) and expected.max() > 1.5 * expected.min()
  places = {tuple(row): place for place, row in enumerate(rows.tolist())}
  counts = np.bincount([places[row] for row in policy.draw(4000, np.random.default_rng(0))], minlength=len(rows))
  assert scipy.stats.chisquare(counts, expected / expected.sum() * 4000).pvalue > 1e-3
  assert policy.draw(7, np.random.default_rng(5)) == policy.draw(7, np.random.default_rng(5))


def test_the_expected_step_is_the_exact_policy_gradient(case):
  policy, rows = case
  rewards = np.random.default_rng(0).normal(size=len(rows)).astype(np.float32)
  weights = probabilities(policy, rows).numpy() * len(rows)
  with tf.GradientTape() as tape:
    loss = policy.loss(tf.constant(rows), weights * (rewards - 2.0), tf.zeros(len(rows)))
  estimated = tape.gradient(loss, policy.trainable_variables)
  with tf.GradientTape() as tape:
    expected_reward = tf.reduce_sum(probabilities(policy, rows) * rewards)
  exact = tape.gradient(expected_reward, policy.trainable_variables)
  assert max(np.abs(tf.convert_to_tensor(gradient)).max() for gradient in exact) > 1e-3
  for mine, true in zip(estimated, exact):
    np.testing.assert_allclose(tf.convert_to_tensor(mine), -tf.convert_to_tensor(true), atol=2e-5)


def test_all_sources_of_a_node_come_before_its_operations():
  normal, reduction = cells_of(make_space("nasnet5"))
  assert normal.num_inputs == 2 and len(normal.nodes) == len(reduction.nodes) == 5
  assert normal.nodes[1] == ((4, 6), (5, 7)) and reduction.nodes[0] == ((20, 22), (21, 23))
  (recurrent,) = cells_of(make_space("rnn12"))
  assert recurrent.num_inputs == 1 and recurrent.nodes[10] == ((20,), (21,))


def test_logits_are_bounded_and_separable_convolutions_preferred_in_the_normal_cell():
  """With the numbers of ENAS: sources within 1.1, operations within 0.44, and a quarter more or less."""
  space = SPACES["image cells"]
  config = LogitsConfig(tanh_constant=1.1, operation_divisor=2.5, separable_bias=10.0, separable_preference=0.25)
  logits = make_attention_policy(space, CONFIG, config, seed=0).logits(tf.constant(rows_of(space)[:3])).numpy()
  assert np.abs(logits[:, ::2]).max() <= 1.1
  np.testing.assert_allclose(logits[:, [1, 3]], [[[0.44 + 0.25, -0.25]] * 2] * 3, atol=0.05)
  np.testing.assert_allclose(logits[:, [5, 7]], [[[0.44, 0.0]] * 2] * 3, atol=0.05)


def test_near_nodes_are_preferred_by_the_square_of_their_distance():
  space = RecurrentSpace("small", 3)
  with_it, without = (
    make_attention_policy(space, CONFIG, LogitsConfig(distance_weight=weight), seed=0).logits(
      tf.zeros([1, 6], tf.int32)
    )
    for weight in (1 / 6, 0.0)
  )
  np.testing.assert_allclose((with_it - without)[0, 4, :3], [-9 / 6, -4 / 6, -1 / 6], rtol=1e-5)


def test_a_space_without_cells_is_refused():
  with pytest.raises(ValueError, match="nasbench201: a policy with attention needs a space of image cells"):
    cells_of(make_space("nasbench201"))
