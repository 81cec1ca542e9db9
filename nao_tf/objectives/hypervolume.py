"""Hypervolumes: the volume of objective space that a set of points dominates, relative to a reference point.

Points are rows of objectives; higher is better.
"""

import numpy as np

from nao_tf.objectives.dominance import first_front


def hypervolume(points: np.ndarray, reference: np.ndarray) -> float:
  """Returns the hypervolume of points.

  Args:
    points: points, [N, M]. Points that are not better than the reference in every objective contribute nothing.
    reference: reference point, [M].
  """
  above = points[(points > reference).all(axis=1)]
  return _volume(above[first_front(above)], reference)


def hypervolumes(points: np.ndarray, reference: np.ndarray) -> np.ndarray:
  """Returns the hypervolume of the first point, of the first two, and so on, [N]."""
  found: list[float] = []
  for count, point in enumerate(points):
    known = points[:count]
    is_new = bool((point > reference).all()) and not (known >= point).all(axis=1).any()
    found.append(hypervolume(points[: count + 1], reference) if is_new or not found else found[-1])
  return np.array(found)


def _volume(points: np.ndarray, reference: np.ndarray) -> float:
  """Returns the volume of points that are all above the reference, by slices along the last objective."""
  if not len(points):
    return 0.0
  if points.shape[1] == 1:
    return float(points.max() - reference[0])
  ordered = points[np.argsort(-points[:, -1], kind="stable")]
  heights = ordered[:, -1] - np.append(ordered[1:, -1], reference[-1])
  slices = (_volume(ordered[: n + 1, :-1], reference[:-1]) if height > 0 else 0.0 for n, height in enumerate(heights))
  return float(sum(height * slice_ for height, slice_ in zip(heights, slices)))
