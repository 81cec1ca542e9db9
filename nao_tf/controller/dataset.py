"""Training data of a controller: tokens in several encodings, targets, and splits without leaks. Needs only NumPy.

A controller encodes, is taught and is asked to write one and the same token array. Another encoding therefore changes
the encoder's input, the decoder's input and the decoder's target together.
"""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
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
  """Returns the tokens of several encodings of each architecture (the paper's symmetry augmentation), int32 [K, N, L].

  Row 0 holds the architectures as they are. Each later row is one step of `space.random_equivalent` or
  `space.random_isomorphic` away from the row before. The rows thus walk through all encodings within reach.

  Args:
    space: knows the encodings.
    vocabulary: vocabulary of the space.
    architectures: N architectures.
    num_encodings: number K of encodings.
    rng: source of the encodings.
    isomorphic: whether to draw from all isomorphic architectures.

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
  """Splits architectures so that all encodings of one network are on the same side.

  Args:
    space: knows which encodings describe the same network.
    architectures: N architectures.
    fraction: fraction of the networks to hold out, in [0, 1], rounded to whole networks.
    rng: draws the networks to hold out.

  Returns:
    Indices of the architectures to train on and of those held out, each in ascending order.

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


def min_max(rewards: npt.ArrayLike) -> np.ndarray:
  """Returns (reward - min) / (max - min), the paper's targets, [N]; 1/2 for all if all rewards are equal."""
  rewards = _checked(rewards)
  spread = np.ptp(rewards)
  return (rewards - rewards.min()) / spread if spread else np.full_like(rewards, 0.5)


def rank(rewards: npt.ArrayLike) -> np.ndarray:
  """Returns the quantile (rank + 1/2) / N of each reward, in (0, 1). Ranks start at 0; equal rewards share their mean."""
  rewards = _checked(rewards)
  return (scipy.stats.rankdata(rewards) - 0.5) / len(rewards)


def log_rank(rewards: npt.ArrayLike) -> np.ndarray:
  """Returns -log(1 - quantile) divided by its maximum, in (0, 1]. Good rewards are spread further apart than bad ones."""
  surprise = -np.log1p(-rank(rewards))
  return surprise / surprise.max()


TRANSFORMS: dict[str, Callable[[npt.ArrayLike], np.ndarray]] = {
  "min_max": min_max,
  "rank": rank,
  "log_rank": log_rank,
}
"""Transforms by their name in `ControllerConfig.target`. Each maps rewards [N] to targets in [0, 1] in the same order."""


def make_targets(rewards: npt.ArrayLike, transform: str) -> np.ndarray:
  """Returns float32 targets [N] in [0, 1] for rewards [N]; a higher reward gets a higher target.

  Args:
    rewards: finite numbers, at least one.
    transform: a key of `TRANSFORMS`.

  Raises:
    ValueError: if the transform is unknown, or if there is no reward or one that is not finite.
  """
  if transform not in TRANSFORMS:
    raise ValueError(f"unknown target {transform!r}; expected one of {', '.join(TRANSFORMS)}")
  return TRANSFORMS[transform](rewards).astype(np.float32)


def _checked(rewards: npt.ArrayLike) -> np.ndarray:
  array = np.asarray(rewards, np.float64)
  if array.ndim != 1 or not len(array) or not np.all(np.isfinite(array)):
    raise ValueError(f"expected finite rewards [N], N at least 1, got shape {array.shape}: {array}")
  return array
