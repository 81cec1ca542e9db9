"""An ensemble of small networks that predicts rewards from features (Liu et al., ECCV 2018, section 4.3).

Each member is trained on a different subset of the data, and the prediction is their mean. The targets are ranks, so
that a failed or diverged training has no more influence than its rank.
"""

import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import scipy.stats
import threadpoolctl

from nao_tf.spaces.growth import Features

_SMALLEST_DEVIATION = 1e-9
_WEIGHT_DECAY = 0.1
_NUM_STEPS = 50


class PredictorEnsemble:
  """An ensemble of scikit-learn multilayer perceptrons, each trained on all but one part of the examples."""

  def __init__(
    self, features: Sequence[Features], rewards: Sequence[float], *, num_members: int, units: int, seed: int
  ):
    """Fits the members.

    Args:
      features: features of the examples, at least one.
      rewards: rewards of the examples.
      num_members: how many there are. Of as many parts of the examples, each member leaves out one.
      units: in the hidden layer of a member.
      seed: random seed of the parts and of the initial weights.
    """
    rng = np.random.default_rng(seed)
    self._names = list(dict.fromkeys(name for row in features for name in row))
    inputs = self._table(features)
    self._mean, self._deviation = inputs.mean(0), np.maximum(inputs.std(0), _SMALLEST_DEVIATION)
    targets = _ranks(rewards)
    parts = rng.permutation(len(targets)) % num_members
    self._members = [
      _fitted(self._scaled(inputs[rows]), targets[rows], units, int(rng.integers(2**31)))
      for rows in _kept(parts, num_members)
    ]

  def predict(self, features: Sequence[Features]) -> np.ndarray:
    """Returns the mean prediction of the members for each feature vector, [B]: a rank, approximately in [-1, 1]."""
    inputs = self._scaled(self._table(features))
    return np.mean([member.predict(inputs) for member in self._members], axis=0)

  def _table(self, features: Sequence[Features]) -> np.ndarray:
    """Returns the values of the known names, [B, N]. What no example had says nothing."""
    columns = {name: column for column, name in enumerate(self._names)}
    table = np.zeros((len(features), len(columns)))
    for row, named in zip(table, features):
      for name, value in named.items():
        if name in columns:
          row[columns[name]] = value
    return table

  def _scaled(self, inputs: np.ndarray) -> np.ndarray:
    return (inputs - self._mean) / self._deviation


def _ranks(rewards: Sequence[float]) -> np.ndarray:
  """Returns the ranks of rewards, from -1 for the lowest to 1 for the highest; equal ones share theirs."""
  ranks = scipy.stats.rankdata(rewards)
  return 2 * (ranks - 0.5) / len(ranks) - 1


def _kept(parts: np.ndarray, num_members: int) -> Iterable[np.ndarray]:
  """Yields the examples of each member; all of them where it would have none."""
  for part in range(num_members):
    rows = np.flatnonzero(parts != part)
    yield rows if len(rows) else np.arange(len(parts))


def _fitted(inputs: np.ndarray, targets: np.ndarray, units: int, seed: int) -> Any:
  """Returns a member that is fitted."""
  import sklearn.neural_network  # Programs that search otherwise do not wait for it.

  member = sklearn.neural_network.MLPRegressor(
    hidden_layer_sizes=(units,),
    activation="tanh",
    alpha=_WEIGHT_DECAY,
    solver="lbfgs",
    max_iter=_NUM_STEPS,
    random_state=seed,
  )
  with warnings.catch_warnings(), threadpoolctl.threadpool_limits(1):  # On matrices so small, more threads are slower.
    warnings.simplefilter("ignore")  # It says that it stops early, which is meant.
    return member.fit(inputs, targets)
