import collections
import math

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.spaces import make_space
from nao_tf.spaces.recurrent import RecurrentSpace
from nao_tf.supernets.architecture_pool import Pool
from nao_tf.supernets.architecture_sampler import CHOOSING, LEARNING, TRAINING
from nao_tf.supernets.sampling.config import ENAS_PRESETS, RANDOM_PRESETS, SamplingConfig
from nao_tf.supernets.sampling.samplers import UniformSampler, make_sampler, reads_twice

SPACE = RecurrentSpace("two_nodes", 2)
POLICY = SamplingConfig(units=6, learning_rate=0.05, entropy_weight=0.0, tanh_constant=0.0, separable_bias=0.0)
UNIFORM = SamplingConfig(sampler="uniform", policy_steps=0)


@pytest.fixture(scope="module")
def learner():
  return make_sampler(SPACE, POLICY, seed=1)


def make(name):
  return Pool([(0, i, 1, 2) for i in range(4)], seed=1) if name == "pool" else make_sampler(SPACE, UNIFORM, seed=1)


@pytest.mark.parametrize("name", ["pool", "uniform"])
def test_a_draw_is_a_function_of_its_key(name):
  sampler = make(name)
  draws = {key: sampler.sample(6, key) for key in [(TRAINING, 0), (TRAINING, 6), (LEARNING, 0), (CHOOSING, 0)]}
  assert len({tuple(draw) for draw in draws.values()}) > 1
  for key, draw in reversed(draws.items()):
    assert make(name).sample(6, key) == draw == sampler.sample(6, key)
    assert all(map(SPACE.is_valid, draw))
  sampler.update(draws[LEARNING, 0], range(6))
  assert sampler.sample(6, (TRAINING, 0)) == draws[TRAINING, 0] and sampler.state == {}


def test_a_pool_gives_consecutive_steps_and_knows_its_entropy():
  pool = make("pool")
  assert pool.sample(8, (TRAINING, 3)) == [pool.architecture(step) for step in range(3, 11)]
  assert pool.entropy([]) == pytest.approx(math.log(4))
  assert Pool([(0,), (1,), (2,)], seed=0, weights=[1, 1, 0]).entropy([]) == pytest.approx(math.log(2))


def test_uniform_draws_are_uniform():
  """32 architectures; the count of each in 6400 draws has sigma 14."""
  counts = collections.Counter(make("uniform").sample(6400, (TRAINING, 0)))
  assert len(counts) == 32 and np.abs(np.array(list(counts.values())) - 200).max() < 5 * 14
  assert make("uniform").entropy([]) == pytest.approx(math.log(32))


def test_distinct_inputs_are_drawn_from_image_cells_only():
  drawn = UniformSampler(make_space("darts"), seed=0, distinct_inputs=True).sample(5, (TRAINING, 0))
  assert not any(map(reads_twice, drawn)) and reads_twice((0, 1, 0, 2)) and not reads_twice((0, 1, 1, 1))
  with pytest.raises(ValueError, match="two_nodes: distinct_inputs needs a space of image cells"):
    UniformSampler(SPACE, seed=0, distinct_inputs=True)


def test_equal_rewards_teach_nothing(learner):
  fresh = make_sampler(SPACE, POLICY, seed=1)
  for step in range(4):
    fresh.update(fresh.sample(3, (LEARNING, step)), [0.7] * 3)
  for mine, theirs in zip(fresh.policy.trainable_variables, learner.policy.trainable_variables):
    np.testing.assert_allclose(mine.numpy(), theirs.numpy(), atol=1e-6)


def test_a_policy_learns_and_its_entropy_falls_and_a_checkpoint_holds_all_of_it(tmp_path):
  sampler = make_sampler(SPACE, POLICY, seed=1)

  def learn(of, steps):
    for step in steps:
      architectures = of.sample(10, (LEARNING, step))
      of.update(
        architectures, [float(architecture[1] == 3) + float(architecture[2] == 1) for architecture in architectures]
      )

  before = sampler.entropy(sampler.sample(20, (CHOOSING, 0)))
  learn(sampler, range(20))
  path = tf.train.Checkpoint(**sampler.state).write(str(tmp_path / "state"))
  learn(sampler, range(20, 40))
  drawn = sampler.sample(50, (CHOOSING, 1))
  assert np.mean([architecture[1] == 3 and architecture[2] == 1 for architecture in drawn]) > 0.7
  assert sampler.entropy(drawn) < 0.7 * before
  resumed = make_sampler(SPACE, POLICY, seed=1)
  tf.train.Checkpoint(**resumed.state).read(path).assert_consumed()
  learn(resumed, range(20, 40))
  for mine, theirs in zip(resumed.policy.trainable_variables, sampler.policy.trainable_variables):
    np.testing.assert_array_equal(mine.numpy(), theirs.numpy())
  assert resumed.sample(50, (CHOOSING, 1)) == drawn


@pytest.mark.parametrize(
  ("changes", "message"),
  [
    ({"sampler": "best"}, "sampler must be one of policy, uniform, got 'best'"),
    ({"sampler": "uniform"}, "policy_steps must be 0 of a sampler that does not learn, got 30"),
    ({"distinct_inputs": True}, "distinct_inputs must be false of a policy, got True"),
    ({"final_count": 11}, "final_count must be at most final_samples, 10, got 11"),
    ({"temperature": 0.0}, "temperature must be above 0, got 0.0"),
    ({"policy_steps": -1}, "policy_steps must be at least 0, got -1"),
    ({"units": 0}, "units must be at least 1, got 0"),
    ({"baseline_decay": 1.0}, r"baseline_decay must be in \[0, 1\), got 1.0"),
  ],
)
def test_a_wrong_setting_is_named(changes, message):
  with pytest.raises(ValueError, match=message):
    SamplingConfig(**changes)


def test_the_presets_have_the_published_numbers():
  image, text = ENAS_PRESETS["default"], ENAS_PRESETS["recurrent"]
  assert (image.units, image.learning_rate, image.tanh_constant, image.operation_divisor) == (100, 0.0035, 1.1, 2.5)
  assert (image.policy_steps, image.samples_per_step, image.baseline_decay, image.entropy_weight) == (
    30,
    10,
    0.99,
    1e-4,
  )
  assert (text.policy_steps, text.learning_rate, text.temperature, text.perplexity_scale) == (25, 5e-5, 5.0, 80.0)
  assert all((c.final_samples, c.final_count, c.policy_steps) == (1000, 10, 0) for c in RANDOM_PRESETS.values())
