"""Reinforcement learning: the baseline, what the policy learns from, and what it samples."""

import numpy as np
import pytest

from nao_tf.spaces import make_space
from nao_tf.strategies import make_strategy
from nao_tf.strategies.reinforce import Baseline
from nao_tf.strategies.reinforce_config import PRESETS, ReinforceConfig
from nao_tf.trial import Evaluation, Trial
from tests.support import asking

SPACE = make_space("nasbench201")
QUICK = ReinforceConfig(learning_rate=0.2)
LSTM = ReinforceConfig("lstm", units=8, learning_rate=0.02, clip_ratio=0.2, num_updates=3)


def search(score, num_trials, config=QUICK, batch_size=1):
  """Returns the strategy and the trials of a search."""
  strategy = make_strategy("reinforce", SPACE, config=config)
  return strategy, asking.search(strategy, score, num_trials, batch_size)


@pytest.mark.parametrize(("config", "batch_size"), [(QUICK, 1), (LSTM, 10)], ids=["table", "lstm"])
def test_the_policy_learns_from_rewards(config, batch_size):
  _, trials = search(sum, 80, config, batch_size)
  assert {trial.origin.kind for trial in trials} == {"sampled"}
  assert np.mean([trial.reward for trial in trials[-20:]]) > 12 + 3  # A random architecture has 12 in the mean.


def test_the_baseline_is_the_corrected_average_of_the_rewards_before():
  baseline = Baseline(0.9)
  assert baseline.advantages([3.0, 5.0]) == [-1.0, 1.0]
  assert baseline.advantages([10.0]) == pytest.approx([6.0])
  assert baseline.advantages([0.0]) == pytest.approx([-(0.9 * 4 + 10) / 1.9])


@pytest.mark.parametrize("config", [QUICK, LSTM], ids=["table", "lstm"])
def test_equal_rewards_teach_nothing(config):
  strategy, _ = search(lambda architecture: 7.0, 30, config, batch_size=5)
  fresh = make_strategy("reinforce", SPACE, config=config)
  for mine, theirs in zip(strategy.policy.trainable_variables, fresh.policy.trainable_variables):
    np.testing.assert_allclose(mine.numpy(), theirs.numpy(), atol=1e-6)


def test_the_policy_of_nas_rl_learns_from_the_third_power_of_rewards():
  assert PRESETS["nas_rl"].reward_power == 3.0
  rewards, cubes = (-2.0, 0.5, None, 3.0), (-8.0, 0.125, -8.0 - 35.0, 27.0)  # A failure is as far below the worst.
  learned = []
  for power, values in ((3.0, rewards), (1.0, cubes)):
    strategy = make_strategy("reinforce", SPACE, config=ReinforceConfig(learning_rate=0.2, reward_power=power))
    batch = [Trial(i, a, strategy.origin(a)) for i, a in enumerate(strategy.ask(4))]
    strategy.tell(t.close(Evaluation(v) if v is not None else Evaluation.failed("no")) for t, v in zip(batch, values))
    strategy.ask(1)
    learned.append([variable.numpy() for variable in strategy.policy.trainable_variables])
  for mine, theirs in zip(*learned):
    np.testing.assert_allclose(mine, theirs, rtol=1e-5)


def test_failures_are_avoided():
  config = ReinforceConfig(learning_rate=0.1)
  _, trials = search(lambda a: None if a[0] < 4 else float(sum(a)), 60, config)  # 80 % of random architectures fail.
  assert np.mean([trial.reward is None for trial in trials[-20:]]) < 0.5


def test_a_policy_that_has_settled_goes_on_to_new_architectures():
  _, trials = search(sum, 40, ReinforceConfig(learning_rate=2.0))
  assert len({SPACE.canonical(trial.architecture) for trial in trials}) == 40


@pytest.mark.parametrize(
  ("changes", "message"),
  [
    ({"policy": "tree"}, "policy must be table or lstm, got 'tree'"),
    ({"units": 0}, "units must be at least 1, got 0"),
    ({"learning_rate": 0.0}, "learning_rate must be above 0, got 0.0"),
    ({"reward_power": 0.0}, "reward_power must be above 0, got 0.0"),
    ({"baseline_decay": 1.0}, r"baseline_decay must be in \[0, 1\), got 1.0"),
    ({"entropy_weight": -1.0}, "entropy_weight must not be negative, got -1.0"),
    ({"clip_ratio": -0.5}, "clip_ratio must not be negative, got -0.5"),
    ({"num_updates": 2}, "num_updates must be 1 without a clip_ratio, got 2"),
  ],
)
def test_wrong_settings_are_refused(changes, message):
  with pytest.raises(ValueError, match=message):
    ReinforceConfig(**changes)


def test_the_presets_have_the_published_numbers():
  assert PRESETS["nas_rl"].num_layers == 2 and PRESETS["nas_rl"].units == 35 and PRESETS["nas_rl"].learning_rate == 6e-4
  nasnet = PRESETS["nasnet"]
  assert (nasnet.num_layers, nasnet.units, nasnet.learning_rate, nasnet.entropy_weight) == (1, 100, 3.5e-4, 1e-5)


@pytest.mark.parametrize("config", [QUICK, LSTM], ids=["table", "lstm"])
def test_samples_that_the_space_refuses_are_taught_as_failures(config):
  space = make_space("nasbench101")  # It has cells without a path, which policies sample often.
  strategy = make_strategy("reinforce", space, config=config)
  trials = asking.search(strategy, sum, 30, 1)
  assert all(space.is_valid(trial.architecture) for trial in trials)
