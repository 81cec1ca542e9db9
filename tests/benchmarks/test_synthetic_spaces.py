import numpy as np
import pytest

from nao_tf.benchmarks.synthetic_spaces import Branches, SyntheticSpace, synthetic_spaces

SPACES = {space.name: space for space in synthetic_spaces()}


def test_there_are_eight_with_ordered_categorical_and_mixed_decisions():
  kinds = [{decision.ordered for decision in space.decisions} for space in SPACES.values()]
  assert len(SPACES) == 8 and {True} in kinds and {False} in kinds and {True, False} in kinds


@pytest.mark.parametrize("space", SPACES.values(), ids=list(SPACES))
def test_rewards_depend_on_the_architecture_alone(space: SyntheticSpace):
  rng = np.random.default_rng(0)
  again = type(space)()
  for _ in range(20):
    architecture = space.sample(rng)
    assert space.reward(architecture) == again.reward(space.random_equivalent(architecture, rng)) <= space.best_reward


@pytest.mark.parametrize("space", SPACES.values(), ids=list(SPACES))
def test_rewards_are_scaled_and_the_best_is_rare(space: SyntheticSpace):
  rewards = space.all_rewards
  assert abs(rewards.mean()) < 0.02 and 0.95 < rewards.std() < 1.05
  assert (rewards >= space.best_reward - 0.02).mean() < 1e-3


def test_the_best_reward_of_a_space_with_several_encodings_can_be_reached():
  space = Branches()
  rewards = [space.reward(row) for row in space.enumerate() if space.canonical(row) == row]
  assert max(rewards) == space.best_reward
