"""A Gaussian process over precomputed distances.

The kernel is a sum of terms weight * exp(-sum of beta * distance ** power), as in NASBOT (Kandasamy et al., NeurIPS
2018). This is a separate implementation because scikit-learn's Gaussian processes take kernels on feature vectors, not
distance matrices. Linear algebra and the optimizer are SciPy's.

Distances between networks do not always give a positive semidefinite kernel matrix. It is replaced by the nearest one
that is. The kernel of a new point may then explain more than its own variance of 1; that larger value is used as its
variance, as in a Nystrom approximation, since the process would otherwise be certain about unknown points.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
import scipy.linalg
from scipy.optimize import minimize

_MOST_STEPS = 30
_TYPICAL_NOISE, _SMALLEST_NOISE, _LARGEST_NOISE = 1e-2, 1e-6, 1.0
_SMALLEST_BETA, _LARGEST_BETA = 1e-3, 30.0
_SPREAD = 1.5
"""Standard deviation of the prior of each logarithm."""
_SMALLEST_VARIANCE = 1e-12
_SMALLEST_EIGENVALUE = 1e-6
"""Relative to the largest one. What is smaller is rounding."""


@dataclasses.dataclass(frozen=True)
class Term:
  """A term of the kernel.

  Attributes:
    distances: indices of the distances that it depends on.
    power: exponent of the distances.
  """

  distances: slice
  power: float


@dataclasses.dataclass(frozen=True, eq=False)
class Hyperparameters:
  """The hyperparameters that are chosen by maximum marginal likelihood.

  Attributes:
    betas: coefficients of all distances after division by `scales`, [F].
    weights: weights of the terms, [T], with a sum of 1.
    noise: variance of the noise, relative to the signal variance.
    scales: typical values of the distances, [F].
  """

  betas: np.ndarray
  weights: np.ndarray
  noise: float
  scales: np.ndarray


class GaussianProcess:
  """Predicts values from distances to points with known values."""

  def __init__(self, terms: Sequence[Term], hyperparameters: Hyperparameters):
    """Creates a process that knows no points.

    Args:
      terms: terms of the kernel.
      hyperparameters: hyperparameters of the kernel; see `fit`.
    """
    self._terms, self.hyperparameters = tuple(terms), hyperparameters
    self._factor = self._projection = self._features = np.zeros((0, 0))
    self._weights = np.zeros(0)
    self._variance = 1.0

  def kernel(self, distances: np.ndarray) -> np.ndarray:
    """Returns the kernel, in [0, 1], of distances [..., F]."""
    parts = _parts(self._terms, self.hyperparameters, distances)
    result: np.ndarray = np.tensordot(self.hyperparameters.weights, parts, axes=1)
    return result

  def observe(self, distances: np.ndarray, values: np.ndarray, variance: float | None = None) -> None:
    """Conditions the process on points, replacing earlier ones.

    Args:
      distances: distances between all points, [N, N, F].
      values: values of the points, [N].
      variance: signal variance; None to estimate it from the values.
    """
    kernel = self.kernel(distances)
    spectrum = scipy.linalg.eigh(kernel)
    self._projection, self._features = _projection(*spectrum), _features(*spectrum)
    self._factor = _cholesky(kernel @ self._projection, self.hyperparameters.noise)
    self._weights = scipy.linalg.cho_solve((self._factor, True), values)
    self._variance = float(values @ self._weights) / len(values) if variance is None else variance
    self._variance = max(self._variance, _SMALLEST_VARIANCE)

  @property
  def variance(self) -> float:
    """The signal variance."""
    return self._variance

  def predict(self, distances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns means and standard deviations, [M], of points with distances [M, N, F] to the known points."""
    kernel = self.kernel(distances) @ self._projection
    explained = np.square(scipy.linalg.solve_triangular(self._factor, kernel.T, lower=True)).sum(axis=0)
    own = np.maximum(np.square(kernel @ self._features).sum(axis=1), 1.0)
    variances = self._variance * np.maximum(own - explained, _SMALLEST_VARIANCE)
    return kernel @ self._weights, np.sqrt(variances)


def fit(terms: Sequence[Term], distances: np.ndarray, values: np.ndarray) -> Hyperparameters:
  """Returns the hyperparameters that maximize the marginal likelihood, with a regularizing prior.

  Args:
    terms: terms of the kernel.
    distances: distances between all points, [N, N, F].
    values: values of the points, [N], with mean 0.
  """
  likelihood = _Likelihood(terms, distances, values)
  found = minimize(
    likelihood,
    likelihood.center,
    jac=True,
    bounds=likelihood.bounds,
    method="L-BFGS-B",
    options={"maxiter": _MOST_STEPS},
  )
  return likelihood.hyperparameters(found.x)


def projection(matrix: np.ndarray) -> np.ndarray:
  """Returns the projection onto the eigenvectors of a symmetric matrix with positive eigenvalues, [N, N].

  The product of the matrix and the projection is the nearest positive semidefinite matrix. Kernels of new points are
  multiplied by the projection as well.
  """
  return _projection(*scipy.linalg.eigh(matrix))


def _projection(eigenvalues: np.ndarray, vectors: np.ndarray) -> np.ndarray:
  """Returns the projection of `projection`, given the eigenvalues and eigenvectors of the matrix."""
  if eigenvalues[0] >= 0:
    return np.eye(len(eigenvalues))
  kept = vectors[:, eigenvalues > 0]
  projected: np.ndarray = kept @ kept.T
  return projected


def _features(eigenvalues: np.ndarray, vectors: np.ndarray) -> np.ndarray:
  """Returns what turns a row of a kernel into features, whose products are the kernel of these eigenvalues [N, K]."""
  kept = eigenvalues > _SMALLEST_EIGENVALUE * eigenvalues[-1]
  features: np.ndarray = vectors[:, kept] / np.sqrt(eigenvalues[kept])
  return features


def positive_semidefinite(matrix: np.ndarray) -> np.ndarray:
  """Returns the nearest symmetric positive semidefinite matrix, [N, N]."""
  symmetric = (matrix + matrix.T) / 2
  repaired = symmetric @ projection(symmetric)
  nearest: np.ndarray = (repaired + repaired.T) / 2
  return nearest


class _Likelihood:
  """The negative logarithm of the marginal likelihood and of the prior, as a function of a row of logarithms.

  The variance of the signal is the best one for each row, so it is not in the row. The row holds the logarithms of the
  betas, of the noise, and of the terms' weights but for a factor.
  """

  def __init__(self, terms: Sequence[Term], distances: np.ndarray, values: np.ndarray):
    self._terms, self._values = terms, values
    self._scales = _scales(distances)
    self._powers = _powers(terms, distances / self._scales)
    num_distances, num_terms = distances.shape[-1], len(terms)
    betas = np.zeros(num_distances)
    for term in terms:
      betas[term.distances] = -np.log(len(betas[term.distances]))
    self.center = np.concatenate([betas, [np.log(_TYPICAL_NOISE)], np.zeros(num_terms)])
    beta, noise = (_SMALLEST_BETA, _LARGEST_BETA), (_SMALLEST_NOISE, _LARGEST_NOISE)
    logs = [np.log(beta)] * num_distances + [np.log(noise)]
    self.bounds = [*map(tuple, logs), *[(-5.0, 5.0)] * num_terms]

  def hyperparameters(self, row: np.ndarray) -> Hyperparameters:
    """Returns what a row stands for."""
    num_distances = len(self._scales)
    weights = np.exp(row[num_distances + 1 :])
    betas, noise = np.exp(row[:num_distances]), float(np.exp(row[num_distances]))
    return Hyperparameters(betas, weights / weights.sum(), noise, self._scales)

  def __call__(self, row: np.ndarray) -> tuple[float, np.ndarray]:
    """Returns the value and its gradient."""
    chosen = self.hyperparameters(row)
    parts = np.exp(
      -np.stack([np.tensordot(d, chosen.betas[t.distances], 1) for t, d in zip(self._terms, self._powers)])
    )
    kernel = np.tensordot(chosen.weights, parts, axes=1)
    factor = _factor(kernel, chosen.noise)
    inverse = scipy.linalg.cho_solve((factor, True), np.eye(len(kernel)))
    solved = inverse @ self._values
    num_values, fit = len(self._values), max(float(self._values @ solved), _SMALLEST_VARIANCE)
    value = num_values / 2 * np.log(fit / num_values) + np.log(np.diag(factor)).sum()
    sensitivity = (inverse - np.outer(solved, solved) * num_values / fit) / 2
    away = row - self.center
    gradient = self._gradient(sensitivity, parts, kernel, chosen) + away / _SPREAD**2
    return float(value + np.square(away).sum() / (2 * _SPREAD**2)), gradient

  def _gradient(
    self, sensitivity: np.ndarray, parts: np.ndarray, kernel: np.ndarray, chosen: Hyperparameters
  ) -> np.ndarray:
    """Returns the gradient of the likelihood, given that to the covariance [N, N]."""
    betas = np.zeros(len(chosen.betas))
    for term, powers, part, weight in zip(self._terms, self._powers, parts, chosen.weights):
      outer = np.tensordot(sensitivity * part, powers, axes=2)
      betas[term.distances] = -weight * chosen.betas[term.distances] * outer
    noise = chosen.noise * np.trace(sensitivity)
    weights = [w * float((sensitivity * (part - kernel)).sum()) for part, w in zip(parts, chosen.weights)]
    return np.concatenate([betas, [noise], weights])


def _scales(distances: np.ndarray) -> np.ndarray:
  """Returns the mean distances between different points [F]; 1 where there are none."""
  num_points = len(distances)
  means = distances.sum(axis=(0, 1)) / max(num_points * (num_points - 1), 1)
  return np.where(means > 0, means, 1.0)


def _powers(terms: Sequence[Term], scaled: np.ndarray) -> list[np.ndarray]:
  """Returns the distances of each term, to its power."""
  return [scaled[..., term.distances] ** term.power for term in terms]


def _parts(terms: Sequence[Term], chosen: Hyperparameters, distances: np.ndarray) -> np.ndarray:
  """Returns the terms of the kernel, without their weights [T, ...]."""
  powers = _powers(terms, distances / chosen.scales)
  return np.exp(-np.stack([np.tensordot(d, chosen.betas[t.distances], axes=1) for t, d in zip(terms, powers)]))


def _factor(kernel: np.ndarray, noise: float) -> np.ndarray:
  """Returns the Cholesky factor of a covariance. Its kernel is repaired if it must be."""
  try:
    return _cholesky(kernel, noise)
  except scipy.linalg.LinAlgError:
    return _cholesky(positive_semidefinite(kernel), noise)


def _cholesky(kernel: np.ndarray, noise: float) -> np.ndarray:
  factor: np.ndarray = scipy.linalg.cholesky(kernel + noise * np.eye(len(kernel)), lower=True)
  return factor
