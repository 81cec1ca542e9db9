"""What makes tokens of ordered choices alike: their embeddings lie on smooth curves, and stay there in training.

A table of embeddings is a fixed matrix times the weights that are trained. With the Cholesky factor of a squared
exponential covariance as that matrix, embeddings begin as draws of a Gaussian process over the choices, and a step that
moves one of them moves its neighbors along. Tokens of other decisions are their weights as they are.
"""

import numpy as np

from nao_tf.controller.vocabulary import OrderedTokens, Vocabulary

LENGTH_SCALE = 0.4
"""Over which choices are alike, as a share of the way from the first to the last."""
_JITTER = 1e-6


def mixing_matrix(vocabulary: Vocabulary) -> np.ndarray | None:
  """Returns what the weights of a table of embeddings are multiplied by, [V, V]; None if no decision is ordered."""
  if not vocabulary.ordered:
    return None
  matrix = np.eye(vocabulary.size, dtype=np.float32)
  for tokens in vocabulary.ordered:
    block = slice(tokens.first, tokens.first + tokens.count)
    matrix[block, block] = _factor(tokens)
  return matrix


def _factor(tokens: OrderedTokens) -> np.ndarray:
  places = np.linspace(0, 1, tokens.count)
  covariance = np.exp(-0.5 * ((places[:, np.newaxis] - places) / LENGTH_SCALE) ** 2)
  return tokens.reach * np.linalg.cholesky(covariance + _JITTER * np.eye(tokens.count))
