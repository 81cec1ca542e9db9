"""Expected hypervolume improvement of candidates with independent Gaussian predictions.

With two objectives it is computed exactly, strip by strip (Emmerich et al., "Hypervolume-based Expected Improvement",
2011). With more it is estimated by random scalarizations (Golovin and Zhang, "Random Hypervolume Scalarizations for
Provable Multi-Objective Black Box Optimization", 2020): the volume is the mean, over random directions, of how far the
points reach in a direction, to the power of the number of objectives.
"""

import math

import numpy as np
import scipy.special
import scipy.stats

from nao_tf.objectives.dominance import first_front

_SMALLEST_DEVIATION = 1e-9
_NUM_DIRECTIONS, _NUM_DRAWS = 256, 64
_MARGIN = 0.1
_HOPELESS = 1000.0
"""As far below the reference point, a candidate adds nothing, whatever is believed of it."""
_BLOCK = 64
"""Points for which an estimate is made at once."""


def reference_point(points: np.ndarray) -> np.ndarray:
  """Returns a reference point [M] that is worse than all points [N, M], N >= 1, by a tenth of their range.

  It is based on all points rather than on the front, which may still be narrow: points beyond the reference contribute
  nothing.
  """
  ranges = np.ptp(points, axis=0)
  return np.asarray(points.min(axis=0) - _MARGIN * np.where(ranges > 0, ranges, 1.0))


def expected_improvement(
  means: np.ndarray, deviations: np.ndarray, points: np.ndarray, reference: np.ndarray, *, seed: int = 0
) -> np.ndarray:
  """Returns the expected hypervolume improvement of each candidate, [C].

  Args:
    means: predicted means of the objectives of candidates, [C, M]; higher is better. Minus infinity for hopeless
      candidates.
    deviations: standard deviations, [C, M], 0 for known objectives. Objectives are assumed to be independent.
    points: objectives of the evaluated points, [N, M].
    reference: reference point, [M].
    seed: random seed of the estimate for more than two objectives.
  """
  above, means = points[(points > reference).all(axis=1)], np.maximum(means, reference - _HOPELESS)
  front, deviations = above[first_front(above)], np.maximum(deviations, _SMALLEST_DEVIATION)
  if len(reference) == 2:
    return exact_improvement(means, deviations, front, reference)
  return estimated_improvement(means, deviations, front, reference, np.random.default_rng(seed))


def exact_improvement(
  means: np.ndarray, deviations: np.ndarray, front: np.ndarray, reference: np.ndarray
) -> np.ndarray:
  """Returns the exact expected hypervolume improvement for two objectives, [C].

  In each strip between neighbors on the front, the additional volume is the part of the strip that a candidate reaches,
  times its height above the front there. The two factors are independent.

  Args:
    means: predicted means, [C, 2].
    deviations: standard deviations above 0, [C, 2].
    front: mutually non-dominated points above the reference, [N, 2].
    reference: reference point, [2].
  """
  ordered = front[np.argsort(front[:, 0])]
  edges = np.concatenate([reference[:1], ordered[:, 0]])
  heights = np.concatenate([ordered[:, 1], reference[1:]])
  beyond = _expected_excess(means[:, :1], deviations[:, :1], edges)
  widths = beyond - np.append(beyond[:, 1:], np.zeros((len(means), 1)), axis=1)
  return np.asarray((np.maximum(widths, 0) * _expected_excess(means[:, 1:], deviations[:, 1:], heights)).sum(axis=1))


def estimated_improvement(
  means: np.ndarray,
  deviations: np.ndarray,
  front: np.ndarray,
  reference: np.ndarray,
  rng: np.random.Generator,
  *,
  num_directions: int = _NUM_DIRECTIONS,
  num_draws: int = _NUM_DRAWS,
) -> np.ndarray:
  """Returns an unbiased estimate of the expected hypervolume improvement for any number of objectives, [C].

  Args:
    means: predicted means, [C, M].
    deviations: standard deviations, [C, M].
    front: points above the reference, [N, M].
    reference: reference point, [M].
    rng: random generator; all candidates share the same samples.
    num_directions: number of random directions.
    num_draws: number of samples of each candidate.
  """
  directions = np.abs(rng.standard_normal((num_directions, len(reference))))
  directions /= np.linalg.norm(directions, axis=1, keepdims=True)
  draws = rng.standard_normal((num_draws, 1, len(reference)))
  known = _reach(front, reference, directions).max(axis=0, initial=0.0)
  blocks = [np.zeros(0)]
  for start in range(0, len(means), _BLOCK):
    block = slice(start, start + _BLOCK)
    reached = _reach(means[block] + draws * deviations[block], reference, directions)
    blocks.append(np.maximum(reached - known, 0).mean(axis=(0, 2)))
  return np.concatenate(blocks) * _volume_of_reach(len(reference))


def _reach(points: np.ndarray, reference: np.ndarray, directions: np.ndarray) -> np.ndarray:
  """Returns how far points [..., M] reach in directions [D, M], to the power of M, [..., D]; 0 if below the reference."""
  reach = np.full((*points.shape[:-1], len(directions)), np.inf)
  for column, start, parts in zip(np.moveaxis(points, -1, 0), reference, directions.T):
    np.minimum(reach, np.maximum(column - start, 0)[..., np.newaxis] / parts, out=reach)
  return np.asarray(reach ** len(reference))


def _volume_of_reach(num_objectives: int) -> float:
  """Returns the volume of the part of the unit ball in which all coordinates are positive."""
  half = num_objectives / 2
  return float(math.pi**half / (2**num_objectives * scipy.special.gamma(half + 1)))


def _expected_excess(means: np.ndarray, deviations: np.ndarray, levels: np.ndarray) -> np.ndarray:
  """Returns by how much normal variables [C, 1] are above levels [L] in the mean, below counting as 0, [C, L]."""
  standard = (means - levels) / deviations
  return np.maximum(deviations * (standard * scipy.special.ndtr(standard) + _density(standard)), 0)


def _density(standard: np.ndarray) -> np.ndarray:
  return np.asarray(np.exp(-0.5 * standard**2) / math.sqrt(2 * math.pi))
