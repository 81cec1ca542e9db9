"""A Gaussian process over the embeddings of a controller, for gradient ascent on acquisition functions.

The predictor of a controller does not quantify its uncertainty, but a process over the embeddings of scored
architectures does. Its mean and standard deviation, and thus the expected improvement, are differentiable with respect
to the encoder outputs. Each controller of an ensemble has a process of its own, since each has its own embedding.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from nao_tf.controller.controller import Controller, TensorLike
from nao_tf.controller.encoder import architecture_embedding

IMPROVEMENT, UPPER_BOUND, LOWER_BOUND = "improvement", "upper_bound", "lower_bound"
WORTHS = (IMPROVEMENT, UPPER_BOUND, LOWER_BOUND)
MAX_TRIALS = 300
"""A process learns from at most so many architectures, those with the highest scores, so that its cost stays the same."""
_LENGTHS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Lengths over which scores change, as multiples of the median distance of two embeddings."""
_NOISES = (0.01, 0.03, 0.1, 0.3, 1.0)
"""Variances of single scores, as shares of the variance of the process."""
_LEAST_VARIANCE, _LEAST_DISTANCE = 1e-4, 1e-3
_LOG_ROOT_TAU = 0.5 * math.log(2 * math.pi)
_TAIL = -4.0
"""Deviations below the best at which the logarithm of the expected improvement is taken from its tail."""


class EmbeddingBeliefs(NamedTuple):
  """The fitted processes of controllers, float32.

  Attributes:
    points: embeddings of scored architectures, [*prefix, N, H].
    solution: weights of the points in the posterior mean, [*prefix, N].
    inverse: inverse of their covariance matrix, in units of the variance of the process, [*prefix, N, N].
    scales: 1 / (2 * length scale ** 2), the variance of the process, and the highest mean, [*prefix, 3].
  """

  points: tf.Tensor
  solution: tf.Tensor
  inverse: tf.Tensor
  scales: tf.Tensor


def beliefs_about(controller: Controller, tokens: TensorLike, scores: np.ndarray) -> EmbeddingBeliefs:
  """Fits the processes to architectures with scores.

  Args:
    controller: the trained controller.
    tokens: at least two architectures, [N, L].
    scores: their scores, [N], with mean 0 and standard deviation about 1.
  """
  kept = np.sort(np.argsort(-scores, kind="stable")[:MAX_TRIALS])
  embeddings = np.asarray(controller.embed(controller.encode(np.asarray(tokens)[kept])), np.float64)
  rows = embeddings.reshape(-1, *embeddings.shape[-2:])
  learned = zip(*(_learn(points, scores[kept]) for points in rows))
  parts = [np.stack(part).astype(np.float32) for part in learned]
  shaped = [part.reshape(*controller.prefix, *part.shape[1:]) for part in (rows.astype(np.float32), *parts)]
  return EmbeddingBeliefs(*map(tf.constant, shaped))


def specs(controller: Controller) -> tuple[tf.TensorSpec, ...]:
  """Returns the signature of beliefs."""
  shapes = [None, controller.encoder.size], [None], [None, None], [3]
  return tuple(tf.TensorSpec([*controller.prefix, *shape]) for shape in shapes)


def worth(memory: tf.Tensor, beliefs: Sequence[tf.Tensor], along: str) -> tf.Tensor:
  """Returns the acquisition function to ascend, [..., *prefix, B], for encoder outputs [..., *prefix, B, T, H].

  Args:
    memory: encoder outputs, unit vectors.
    beliefs: the parts of `EmbeddingBeliefs`.
    along: "improvement", the logarithm of the expected improvement; "upper_bound" or "lower_bound", the mean plus or
      minus one standard deviation.
  """
  mean, deviation, best = _predicted(memory, EmbeddingBeliefs(*beliefs))
  if along == IMPROVEMENT:
    return tf.math.log(deviation) + _log_improvement((mean - best) / deviation)
  return mean + deviation if along == UPPER_BOUND else mean - deviation


def _predicted(memory: tf.Tensor, beliefs: EmbeddingBeliefs) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
  """Returns means and deviations [..., *prefix, B], and the highest known mean, which is broadcast to them."""
  rate, variance, best = (beliefs.scales[..., number, tf.newaxis] for number in range(3))
  embedding = architecture_embedding(memory)
  squared = 2 - 2 * tf.matmul(embedding, beliefs.points, transpose_b=True)
  shared = tf.exp(-rate[..., tf.newaxis] * squared)
  mean = tf.reduce_sum(shared * beliefs.solution[..., tf.newaxis, :], -1)
  explained = tf.reduce_sum(tf.matmul(shared, beliefs.inverse) * shared, -1)
  return mean, tf.sqrt(variance * tf.maximum(1 - explained, _LEAST_VARIANCE)), best


def _log_improvement(z: tf.Tensor) -> tf.Tensor:
  """Returns the logarithm of the expected improvement over 0 of a normal distribution of mean z and deviation 1."""
  inner, outer = tf.maximum(z, _TAIL), tf.minimum(z, _TAIL)
  density = tf.exp(-0.5 * inner**2 - _LOG_ROOT_TAU)
  near = tf.math.log(density + inner * 0.5 * tf.math.erfc(-inner / math.sqrt(2)))
  far = -0.5 * outer**2 - _LOG_ROOT_TAU - 2 * tf.math.log(-outer)
  return tf.where(z > _TAIL, near, far)


def _learn(points: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """Returns solution, inverse and scales of the process of the highest likelihood among some lengths and noises.

  Args:
    points: unit vectors, [N, H].
    scores: [N].
  """
  squared = np.maximum(2 - 2 * points @ points.T, 0)
  others = squared[~np.eye(len(points), dtype=bool)]
  unit = max(float(np.sqrt(np.median(others))), _LEAST_DISTANCE)
  rates = [0.5 / (unit * length) ** 2 for length in _LENGTHS]
  _, rate, noise = max(_likelihoods(squared, scores, rates))
  shared = np.exp(-rate * squared)
  inverse = np.linalg.inv(shared + noise * np.eye(len(points)))
  solution = inverse @ scores
  variance = max(float(scores @ solution) / len(scores), _LEAST_VARIANCE)
  return solution, inverse, np.array([rate, variance, (shared @ solution).max()])


def _likelihoods(squared: np.ndarray, scores: np.ndarray, rates: Sequence[float]) -> list[tuple[float, float, float]]:
  """Returns the logarithm of the likelihood, up to a constant and with the best variance, of each rate and noise."""
  found = []
  for rate in rates:
    values, vectors = np.linalg.eigh(np.exp(-rate * squared))
    projected = (vectors.T @ scores) ** 2
    for noise in _NOISES:
      spectrum = np.maximum(values, 0) + noise
      variance = max(float((projected / spectrum).mean()), _LEAST_VARIANCE)
      found.append((-0.5 * (len(scores) * math.log(variance) + float(np.log(spectrum).sum())), rate, noise))
  return found
