"""Initial weights: one random stream for each controller, and the same numbers on every version of Keras."""

from collections.abc import Callable

import numpy as np

from nao_tf.controller.config import ControllerConfig


class Initializer:
  """Draws the weights of one controller, or of all controllers of an ensemble at once.

  From the same seed, a single controller gets the weights of the first controller of an ensemble.

  Attributes:
    prefix: leading axes of every weight: () for a single controller, (ensemble_size,) for an ensemble.
  """

  def __init__(self, config: ControllerConfig, seed: int, ensemble_size: int | None = None):
    """Starts the random streams.

    Args:
      config: says how to draw.
      seed: seed of all weights.
      ensemble_size: number of controllers; None for a single one, without an axis for it.
    """
    self.prefix = () if ensemble_size is None else (ensemble_size,)
    self._config = config
    self._streams = [np.random.default_rng([seed, number]) for number in range(ensemble_size or 1)]

  def embedding(self, num_tokens: int, size: int) -> np.ndarray:
    """Returns a table of token embeddings, [*prefix, num_tokens, size]."""
    if self._config.initializer == "uniform":
      return self.uniform((num_tokens, size), self._config.init_range)
    deviation = 0.5 if self._config.initializer == "fan_in" else 1.0
    return self._draw(lambda rng: rng.normal(0.0, deviation, (num_tokens, size)))

  def kernel(self, inputs: int, outputs: int) -> np.ndarray:
    """Returns the kernel of a linear layer, [*prefix, inputs, outputs]."""
    return self.uniform((inputs, outputs), self._limit(inputs))

  def bias(self, inputs: int, outputs: int) -> np.ndarray:
    """Returns the bias of a linear layer, [*prefix, outputs]."""
    return self.uniform((outputs,), self._limit(inputs) if self._config.initializer == "torch" else 0.0)

  def lstm_kernel(self, inputs: int, units: int) -> np.ndarray:
    """Returns an LSTM's kernel for its inputs, [*prefix, inputs, 4 * units]."""
    return self.uniform((inputs, 4 * units), self._limit(units if self._config.initializer == "torch" else inputs))

  def recurrent_kernel(self, units: int) -> np.ndarray:
    """Returns an LSTM's kernel for its own last output, [*prefix, units, 4 * units]."""
    gain = 0.7 if self._config.initializer == "fan_in" else 1.0
    return self.uniform((units, 4 * units), gain * self._limit(units))

  def orthogonal_kernels(self, inputs: int, units: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns an LSTM's two kernels. Stacked, they have orthonormal rows or columns."""
    kernel = self._draw(lambda rng: _orthogonal(rng.normal(size=(inputs + units, 4 * units))))
    return kernel[..., :inputs, :], kernel[..., inputs:, :]

  def lstm_bias(self, units: int) -> np.ndarray:
    """Returns an LSTM's bias, gates in the order input, forget, cell, output, [*prefix, 4 * units]."""
    bias = self.bias(units, 4 * units)
    bias[..., units : 2 * units] += self._config.forget_bias
    return bias

  def uniform(self, shape: tuple[int, ...], limit: float) -> np.ndarray:
    """Returns uniform numbers in [-limit, limit), [*prefix, *shape]."""
    return self._draw(lambda rng: rng.uniform(-limit, limit, shape))

  def constant(self, shape: tuple[int, ...], value: float) -> np.ndarray:
    """Returns an array with one value everywhere, [*prefix, *shape]."""
    return np.full((*self.prefix, *shape), value, np.float32)

  def _limit(self, inputs: int) -> float:
    limits = {"fan_in": (3 / inputs) ** 0.5, "torch": inputs**-0.5, "uniform": self._config.init_range}
    return limits[self._config.initializer]

  def _draw(self, draw: Callable[[np.random.Generator], np.ndarray]) -> np.ndarray:
    values = [draw(rng).astype(np.float32) for rng in self._streams]
    return np.stack(values) if self.prefix else values[0]


def _orthogonal(matrix: np.ndarray) -> np.ndarray:
  """Returns a matrix of the same shape with orthonormal rows; a tall one has orthonormal columns instead.

  If the elements of `matrix` are normal, the result is uniform among all such matrices.
  """
  num_rows, num_columns = matrix.shape
  if num_rows < num_columns:
    return _orthogonal(matrix.T).T
  columns, upper = np.linalg.qr(matrix)
  return columns * np.sign(np.diag(upper))
