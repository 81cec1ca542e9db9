"""What a controller is trained on: token arrays with equivalent encodings, targets, and honest splits. NumPy alone.

A controller reads, is taught and is asked to write one and the same token array, so an encoding changes encoder input,
decoder input and target together.
"""

from collections.abc import Callable, Sequence

import numpy as np
import scipy.stats

from nao_tf.controller.vocabulary import Vocabulary
from nao_tf.spaces.base import SearchSpace
from nao_tf.trial import Architecture


def augment(
  space: SearchSpace,
  vocabulary: Vocabulary,
  architectures: Sequence[Architecture],
  num_encodings: int,
  rng: np.random.Generator,
  *,
  isomorphic: bool = False,
) -> np.ndarray:
  """Returns tokens of equivalent architectures (the paper's symmetry augmentation), int32 [K, N, L].

  Row 0 are the architectures as they are. Each later row is one step away from the row before, by
  `space.random_equivalent` or `space.random_isomorphic`, so the rows wander through all encodings that it can reach.

  Args:
    space: knows the encodings.
    vocabulary: of the space.
    architectures: N of them.
    num_encodings: K, encodings of each.
    rng: source of the encodings.
    isomorphic: whether to draw from all architectures that compute the same.

  Raises:
    ValueError: if `num_encodings` is below 1.
  """
  if num_encodings < 1:
    raise ValueError(f"num_encodings must be at least 1, got {num_encodings}")
  draw = space.random_isomorphic if isomorphic else space.random_equivalent
  rows = [list(architectures)]
  for _ in range(num_encodings - 1):
    rows.append([draw(architecture, rng) for architecture in rows[-1]])
  return np.stack([vocabulary.encode(row) for row in rows])


def split_by_canonical(
  space: SearchSpace, architectures: Sequence[Architecture], fraction: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
  """Splits architectures so that all encodings of a network are on the same side.

  Args:
    space: knows which encodings are the same.
    architectures: N of them.
    fraction: share of the networks that are held out, in [0, 1]; rounded to whole networks.
    rng: draws which.

  Returns:
    Indices of the architectures to train on and of those held out, each in rising order.

  Raises:
    ValueError: if the fraction is not in [0, 1].
  """
  if not 0 <= fraction <= 1:
    raise ValueError(f"fraction must be in [0, 1], got {fraction}")
  networks = [space.canonical(architecture) for architecture in architectures]
  distinct = list(dict.fromkeys(networks))
  chosen = rng.permutation(len(distinct))[: round(fraction * len(distinct))]
  held_out = {distinct[index] for index in chosen}
  is_held_out = np.array([network in held_out for network in networks], bool)
  return np.flatnonzero(~is_held_out), np.flatnonzero(is_held_out)


def min_max(rewards) -> np.ndarray:
  """Returns (reward - min) / (max - min), the paper's targets, [N]; one half if all rewards are equal."""
  rewards = _rewards(rewards)
  spread = np.ptp(rewards)
  return (rewards - rewards.min()) / spread if spread else np.full_like(rewards, 0.5)


def rank(rewards) -> np.ndarray:
  """Returns the quantile (rank + 1/2) / N of each reward, in (0, 1), ranks from 0; equal rewards share their mean."""
  rewards = _rewards(rewards)
  return (scipy.stats.rankdata(rewards) - 0.5) / len(rewards)


def log_rank(rewards) -> np.ndarray:
  """Returns -log(1 - quantile), divided by its maximum: in (0, 1], and the better, the further apart."""
  surprise = -np.log1p(-rank(rewards))
  return surprise / surprise.max()


TRANSFORMS: dict[str, Callable[..., np.ndarray]] = {"min_max": min_max, "rank": rank, "log_rank": log_rank}
"""Target transforms by their name in `ControllerConfig.target`: rewards [N] to targets in [0, 1], order kept."""


def make_targets(rewards, transform: str) -> np.ndarray:
  """Returns float32 targets [N] in [0, 1] for rewards [N], a higher one for a higher reward.

  Raises:
    ValueError: if there is no such transform, no reward, or one that is not finite.
  """
  if transform not in TRANSFORMS:
    raise ValueError(f"unknown target {transform!r}; expected one of {', '.join(TRANSFORMS)}")
  return TRANSFORMS[transform](rewards).astype(np.float32)


def _rewards(rewards) -> np.ndarray:
  rewards = np.asarray(rewards, np.float64)
  if rewards.ndim != 1 or not len(rewards) or not np.all(np.isfinite(rewards)):
    raise ValueError(f"expected finite rewards [N], N at least 1, got shape {rewards.shape}: {rewards}")
  return rewards
