"""Embeddings of ordered choices: neighboring choices have similar embeddings, and keep them in training.

A table of embeddings is a fixed matrix times the weights that are trained. For ordered choices, this matrix is the
Cholesky factor of a squared exponential covariance. Their embeddings then start as draws from a Gaussian process over
the choices, and a step that moves one embedding moves its neighbors too. For all other choices the matrix is the
identity.
"""

import numpy as np

from nao_tf.controller.vocabulary import OrderedTokens, Vocabulary

LENGTH_SCALE = 0.4
"""Length scale of the covariance, as a fraction of the distance from the first choice to the last."""
_JITTER = 1e-6


def mixing_matrix(vocabulary: Vocabulary) -> np.ndarray | None:
  """Returns the fixed matrix of a table of embeddings, [V, V]; None if no decision is ordered."""
  if not vocabulary.ordered:
    return None
  matrix = np.eye(vocabulary.size, dtype=np.float32)
  for tokens in vocabulary.ordered:
    block = slice(tokens.first, tokens.first + tokens.num_choices)
    matrix[block, block] = _factor(tokens)
  return matrix


def _factor(tokens: OrderedTokens) -> np.ndarray:
  positions = np.linspace(0, 1, tokens.num_choices)
  covariance = np.exp(-0.5 * ((positions[:, np.newaxis] - positions) / LENGTH_SCALE) ** 2)
  return tokens.reach * np.linalg.cholesky(covariance + _JITTER * np.eye(tokens.num_choices))
