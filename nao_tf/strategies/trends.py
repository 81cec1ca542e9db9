"""Linear regression of scores on the logarithms of quantities known before training.

Larger networks tend to be more accurate. A model that learns only the residuals does not have to learn that trend, and
does not overestimate unknown small networks.
"""

import numpy as np

_RIDGE = 1.0
"""As if one further trial with a standardized logarithm of 1 had no tendency at all."""


class Trend:
  """A regression line and its residuals.

  Attributes:
    spread: standard deviation of the residuals; 1 if all are zero.
    residuals: standardized residuals, [N], with mean 0, in units of `spread`.
  """

  def __init__(self, known: np.ndarray, scores: np.ndarray):
    """Fits the line.

    Args:
      known: figures of the trials [N, K], of any sign; infinite ones count as the mean.
      scores: scores of the trials [N].
    """
    logarithms = _logarithms(known)
    self._means = np.array([_finite(column).mean() for column in logarithms.T])
    self._spreads = np.array([_finite(column).std() or 1.0 for column in logarithms.T])
    rows = self._rows(known)
    penalty = _RIDGE * np.diag([0.0] + [1.0] * known.shape[1])
    self._line = np.linalg.solve(rows.T @ rows + penalty, rows.T @ scores)
    away = scores - rows @ self._line
    self.spread = float(away.std()) or 1.0
    self.residuals = away / self.spread

  def at(self, known: np.ndarray) -> np.ndarray:
    """Returns the scores predicted by the line, [C], for architectures with known quantities [C, K]."""
    return np.asarray(self._rows(known) @ self._line)

  def _rows(self, known: np.ndarray) -> np.ndarray:
    standard = (_logarithms(known) - self._means) / self._spreads
    return np.column_stack([np.ones(len(known)), np.where(np.isfinite(standard), standard, 0.0)])


def _logarithms(known: np.ndarray) -> np.ndarray:
  return np.log1p(np.abs(known))


def _finite(column: np.ndarray) -> np.ndarray:
  """Returns the finite values of a column; a single 0 if there are none."""
  finite = column[np.isfinite(column)]
  return finite if len(finite) else np.zeros(1)
