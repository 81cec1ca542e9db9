"""What predictors of strategies learn of trials: standardized rewards, or normal scores of their ranks."""

from collections.abc import Sequence

import numpy as np

from nao_tf.trial import Trial

RANKS, REWARDS = "ranks", "rewards"
TARGETS = (RANKS, REWARDS)


def standard_targets(trials: Sequence[Trial], target: str) -> np.ndarray:
  """Returns what is to be predicted of trials [N], with a mean of 0 and a variance of 1. Failures are as the worst trial.

  Args:
    trials: closed, at least one of them with a reward.
    target: `RANKS` for the normal scores of the ranks, `REWARDS` for the rewards.
  """
  from scipy.stats import norm, rankdata  # Flags are made from the names above.

  rewards = np.array([np.nan if trial.reward is None else trial.reward for trial in trials])
  rewards = np.where(np.isnan(rewards), np.nanmin(rewards), rewards)
  values = norm.ppf((rankdata(rewards) - 0.5) / len(rewards)) if target == RANKS else rewards
  centered: np.ndarray = values - values.mean()
  return centered / (centered.std() or 1.0)
