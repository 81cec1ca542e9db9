"""A Gaussian process over decisions: a predictor with uncertainty. Only needs NumPy and SciPy.

Its weights and its noise are maximum a posteriori estimates, with priors that depend only on the number and the kinds
of decisions. The optimization always starts from the priors, so the same trials give the same process.
"""

from collections.abc import Sequence

import numpy as np
import scipy.linalg
import scipy.optimize
import scipy.stats

from nao_tf.controller.decision_kernel import DecisionKernel
from nao_tf.trial import Architecture

MAX_TRIALS = 500
"""Trials that a process learns from."""
_JITTER = 1e-6
_EXPECTED_LOG_NOISE, _LOG_NOISE_DEVIATION = float(np.log(0.05)), 1.0
_LOG_AMPLITUDE_DEVIATION = 0.5
_MEAN_VARIANCE = 1.0
"""Prior variance of the mean over all architectures. Trials of a search are better than that mean, and alike. So what is
unlike all trials is expected to be worse than they are."""
_WEIGHT_BOUNDS, _NOISE_BOUNDS, _AMPLITUDE_BOUNDS = (-8.0, 4.0), (-8.0, 0.0), (-2.0, 3.0)


def normal_scores(rewards: Sequence[float]) -> np.ndarray:
  """Returns normal scores of rewards, that is, normal quantiles of their ranks, [N], which ignore scale and outliers."""
  ranks = scipy.stats.rankdata(rewards)
  return np.asarray(scipy.stats.norm.ppf((ranks - 0.5) / len(ranks)))


def rewards_at(scores: np.ndarray, rewards: Sequence[float]) -> np.ndarray:
  """Converts normal scores to rewards by interpolating between known rewards, with linear extrapolation.

  Args:
    scores: normal scores of any shape.
    rewards: at least two known rewards.
  """
  known, places = np.sort(np.asarray(rewards, np.float64)), np.sort(normal_scores(rewards))
  inside = np.interp(scores, places, known)
  middle = len(known) // 2
  below = (known[middle] - known[0]) / max(places[middle] - places[0], _JITTER)
  above = (known[-1] - known[-1 - middle]) / max(places[-1] - places[-1 - middle], _JITTER)
  return np.asarray(inside + below * np.minimum(scores - places[0], 0) + above * np.maximum(scores - places[-1], 0))


def best_and_spread(scores: np.ndarray, most: int) -> np.ndarray:
  """Returns the sorted indices of `most` trials: the best ones for half of them, the others spread evenly over the ranks.

  A process that only knows the best trials forgets which regions are bad and returns to them.

  Args:
    scores: scores of the trials, [N].
    most: maximum number of trials.
  """
  if len(scores) <= most:
    return np.arange(len(scores))
  order, half = np.argsort(-scores, kind="stable"), (most + 1) // 2
  others = np.linspace(half, len(scores) - 1, most - half).round().astype(int)
  return np.sort(order[np.concatenate([np.arange(half), others])])


class GaussianProcess:
  """Predicts scores of architectures with standard deviations.

  Attributes:
    incumbent: highest score in the training data. With noisy scores it may exceed the highest predicted mean, which
      favors exploration.
  """

  def __init__(
    self, kernel: DecisionKernel, *, max_trials: int = MAX_TRIALS, max_fitted: int = 200, max_iterations: int = 20
  ):
    """Creates a process that has learned nothing.

    Args:
      kernel: how alike architectures are.
      max_trials: it learns from at most so many, chosen by `best_and_spread`, so that its cost stays the same.
      max_fitted: its weights and its noise are those of at most so many, chosen in the same way.
      max_iterations: of the search for weights and noise.
    """
    self._kernel, self._max_trials, self._max_iterations = kernel, max_trials, max_iterations
    self._max_fitted = max_fitted
    self.incumbent = -np.inf

  def fit(self, architectures: Sequence[Architecture], scores: np.ndarray, rng: np.random.Generator) -> None:
    """Fits the process to architectures and their scores, discarding earlier ones.

    Args:
      architectures: N architectures, at least 1.
      scores: their scores, [N], with mean 0 and standard deviation about 1.
      rng: random generator for sampling encodings.
    """
    kept = best_and_spread(scores, self._max_trials)
    architectures, scores = [architectures[index] for index in kept], scores[kept]
    best = self._fitted_parameters(architectures, scores)
    self._weights, self._noise, self._amplitude = np.exp(best[:-2]), np.exp(best[-2]), np.exp(best[-1])
    known = self._kernel.encodings(architectures, rng)
    self._similarity = self._kernel.similarity_to(known, self._weights)
    covariance = self._amplitude * self._similarity(known) + _MEAN_VARIANCE
    self._factor = _cholesky(covariance, self._noise)
    self._solution = scipy.linalg.cho_solve((self._factor, True), scores)
    self.incumbent = float(scores.max())

  def predict(self, architectures: Sequence[Architecture], rng: np.random.Generator) -> "Beliefs":
    """Returns the predictions for architectures. `rng` samples encodings."""
    encodings = self._kernel.encodings(architectures, rng)
    covariance = self._amplitude * self._similarity(encodings) + _MEAN_VARIANCE
    explained = scipy.linalg.solve_triangular(self._factor, covariance, lower=True)
    return Beliefs(self, encodings, covariance.T @ self._solution, explained)

  @property
  def noise(self) -> float:
    """Variance of the noise of a single score."""
    return float(self._noise)

  def prior_covariance(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Returns the prior covariance of encodings, [N, M]."""
    return self._amplitude * self._kernel.between(rows, columns, self._weights) + _MEAN_VARIANCE

  @property
  def prior_variance(self) -> float:
    """Prior variance of the expected score of an architecture."""
    return float(self._amplitude) + _MEAN_VARIANCE

  def _fitted_parameters(self, architectures: Sequence[Architecture], scores: np.ndarray) -> np.ndarray:
    """Returns the best parameters for some of the trials, whose mean is 0 again if they are not all."""
    fitted = best_and_spread(scores, self._max_fitted)
    if len(fitted) < len(scores):
      architectures, scores = [architectures[index] for index in fitted], scores[fitted] - scores[fitted].mean()
    return self._best_parameters(self._kernel.distances(architectures), scores)

  def _best_parameters(self, distances: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Returns log weights [W], log noise and log amplitude of the highest posterior density."""
    kernel = self._kernel
    mean = np.array([*kernel.mean, _EXPECTED_LOG_NOISE, 0.0])
    others = np.diag([_LOG_NOISE_DEVIATION**-2, _LOG_AMPLITUDE_DEVIATION**-2])
    precision = scipy.linalg.block_diag(kernel.precision, others)

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
      value, gradient = _negative_log_likelihood(parameters, distances, scores)
      offset = parameters - mean
      return value + 0.5 * offset @ precision @ offset, gradient + precision @ offset

    bounds = [*kernel.num_weights * [_WEIGHT_BOUNDS], _NOISE_BOUNDS, _AMPLITUDE_BOUNDS]
    options = {"maxiter": self._max_iterations}
    start = np.clip(mean, *np.transpose(bounds))
    return np.asarray(
      scipy.optimize.minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
    )


class Beliefs:
  """Predictions of a process for M architectures.

  Attributes:
    mean: predicted means, [M].
    deviation: predicted standard deviations, [M], without the noise of a single score.
  """

  def __init__(self, process: GaussianProcess, encodings: np.ndarray, mean: np.ndarray, explained: np.ndarray):
    """Made by `GaussianProcess.predict`."""
    self._process, self._encodings, self.mean, self._explained = process, encodings, mean, explained
    self._incumbent = process.incumbent
    self._variance = np.maximum(process.prior_variance - (explained**2).sum(axis=0), _JITTER)

  @property
  def deviation(self) -> np.ndarray:
    """See the attributes of the class."""
    return np.sqrt(self._variance)

  def expected_improvement(self) -> np.ndarray:
    """Returns the expected improvement over the incumbent, [M]."""
    deviation = self.deviation
    z = (self.mean - self._incumbent) / deviation
    return np.asarray(deviation * (z * scipy.stats.norm.cdf(z) + scipy.stats.norm.pdf(z)))

  def interval(self, probability: float) -> np.ndarray:
    """Returns the intervals that contain a single score, including its noise, with a given probability, [M, 2]."""
    half = scipy.stats.norm.ppf(0.5 + 0.5 * probability) * np.sqrt(self._variance + self._process.noise)
    return np.stack([self.mean - half, self.mean + half], axis=-1)

  def most_promising(self, taken: Sequence[int]) -> int:
    """Returns the index with the highest expected improvement among those not taken."""
    improvement = self.expected_improvement()
    improvement[list(taken)] = -np.inf
    return int(np.argmax(improvement))

  def believe(self, index: int) -> None:
    """Conditions on the predicted mean of an architecture as if it had been observed, which reduces uncertainty nearby."""
    this = self._encodings[:, [index]]
    prior = self._process.prior_covariance(this, self._encodings)[0]
    shared = prior - self._explained[:, index] @ self._explained
    row = shared / np.sqrt(self._variance[index] + self._process.noise)
    self._explained = np.vstack([self._explained, row])
    self._variance = np.maximum(self._variance - row**2, _JITTER)
    self._incumbent = max(self._incumbent, float(self.mean[index]))


def _cholesky(covariance: np.ndarray, noise: float) -> np.ndarray:
  return np.asarray(scipy.linalg.cholesky(covariance + (noise + _JITTER) * np.eye(len(covariance)), lower=True))


def _negative_log_likelihood(
  parameters: np.ndarray, distances: np.ndarray, scores: np.ndarray
) -> tuple[float, np.ndarray]:
  """Returns the negative logarithm of the likelihood of scores [N], up to a constant, and its gradient.

  Args:
    parameters: log weights [W], log noise, log amplitude.
    distances: distances of each term, [W, N, N].
    scores: [N].
  """
  weights, noise, amplitude = np.exp(parameters[:-2]), np.exp(parameters[-2]), np.exp(parameters[-1])
  covariance = amplitude * np.exp(-np.tensordot(weights.astype(np.float32), distances, 1).astype(np.float64))
  factor = _cholesky(covariance + _MEAN_VARIANCE, noise)
  solution = scipy.linalg.cho_solve((factor, True), scores)
  inverse = scipy.linalg.cho_solve((factor, True), np.eye(len(scores)))
  slope = 0.5 * (inverse - np.outer(solution, solution))
  by_covariance = slope * covariance
  by_weight = -weights * (distances.reshape(len(weights), -1) @ by_covariance.astype(np.float32).ravel())
  value = 0.5 * scores @ solution + np.log(np.diag(factor)).sum()
  return float(value), np.array([*by_weight, np.trace(slope) * noise, by_covariance.sum()])
