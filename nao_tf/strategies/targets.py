"""Targets of surrogate models: standardized rewards, or normal scores of their ranks."""

from collections.abc import Sequence

import numpy as np

from nao_tf.trial import Trial

RANKS, REWARDS = "ranks", "rewards"
TARGETS = (RANKS, REWARDS)
_LARGEST = 1e100


def standard_targets(trials: Sequence[Trial], target: str) -> np.ndarray:
  """Returns the targets of trials, [N], with mean 0 and variance 1. Failed trials count as the worst.

  Args:
    trials: closed trials, at least one of them with a reward.
    target: `RANKS` for the normal scores of the ranks, `REWARDS` for the rewards.
  """
  rewards = np.array([np.nan if trial.reward is None else trial.reward for trial in trials])
  return standard_values(rewards, target)


def standard_values(figures: np.ndarray, target: str) -> np.ndarray:
  """Returns the targets of values, [N], with mean 0 and variance 1.

  Args:
    figures: values for which higher is better; NaN for failures, which count as the worst.
    target: see `standard_targets`.
  """
  from scipy.stats import norm, rankdata  # Flags are made from the names above.

  figures = np.where(np.isnan(figures), np.nanmin(figures), figures)
  figures = figures / max(1.0, np.abs(figures).max() / _LARGEST)  # Their squares are finite.
  values = norm.ppf((rankdata(figures) - 0.5) / len(figures)) if target == RANKS else figures
  centered: np.ndarray = values - values.mean()
  return centered / (centered.std() or 1.0)
