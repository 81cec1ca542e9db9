"""Measures how well a controller predicts and decodes unseen architectures of a table.

A controller is trained on a few random architectures of the table, as in a round of NAO, and tested on others, none of
which computes the same function as a training architecture.
"""

import dataclasses
import itertools
from collections.abc import Hashable

import numpy as np

from nao_tf.benchmarks.rank_metrics import hamming_distance, kendall_tau, pairwise_accuracy
from nao_tf.controller.config import ControllerConfig
from nao_tf.controller.controller import Controller
from nao_tf.controller.dataset import augment, make_targets
from nao_tf.controller.fitting import fit_controller
from nao_tf.controller.state import restart
from nao_tf.controller.vocabulary import Vocabulary
from nao_tf.tables.base import Table
from nao_tf.trial import Architecture


@dataclasses.dataclass(frozen=True)
class PredictorScores:
  """Scores of an ensemble of controllers on unseen architectures.

  Attributes:
    kendall_tau: Kendall's tau of each controller's predictions and the table, averaged over the ensemble.
    kendall_tau_of_mean: Kendall's tau of the ensemble's mean prediction and the table.
    pairwise_accuracy: fraction of pairs that the mean prediction puts in the order of the table.
    hamming: number of wrong tokens per architecture in greedy decoding, averaged over the ensemble.
  """

  kendall_tau: float
  kendall_tau_of_mean: float
  pairwise_accuracy: float
  hamming: float


class PredictorBenchmark:
  """Trains controllers with the same configuration on samples of a table. All trainings share one graph."""

  def __init__(self, table: Table, config: ControllerConfig, *, ensemble_size: int = 3, objective: str | None = None):
    """Creates the controllers.

    Args:
      table: architectures with their figures.
      config: configuration of the controllers.
      ensemble_size: number of controllers that are fitted side by side.
      objective: figure of the table to predict; None: the table's default.
    """
    self.table, self.config, self.ensemble_size = table, config, ensemble_size
    self._figure = table.figure(objective or table.default_objective)
    self._controller = Controller(Vocabulary.of(table.space), config, ensemble_size=ensemble_size)

  def run(self, num_train: int, *, num_test: int = 1000, num_unlabeled: int = 512, seed: int = 0) -> PredictorScores:
    """Trains new controllers and measures them.

    Args:
      num_train: number of training architectures.
      num_test: number of test architectures.
      num_unlabeled: number of additional random architectures of the space for training the decoder.
      seed: random seed of the architectures and of the controllers.

    Raises:
      ValueError: if the table has too few rows.
    """
    rng = np.random.default_rng(seed)
    known, unseen = self._split(num_train, num_test, rng)
    restart(self._controller, seed)
    self._fit(known, num_unlabeled, rng)
    return self._measure(unseen)

  def _split(self, num_train: int, num_test: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Returns rows to fit to, and rows to measure on that compute other functions."""
    rows = rng.permutation(np.flatnonzero(np.isfinite(self._figure)))
    known = rows[:num_train]
    functions = {self._function(row) for row in known}
    others = (row for row in rows[num_train:] if self._function(row) not in functions)
    unseen = np.array(list(itertools.islice(others, num_test)))
    if len(known) < num_train or len(unseen) < 2:
      raise ValueError(f"{self.table.path}: {len(rows)} rows are too few to train on {num_train} and test on others")
    return known, unseen

  def _function(self, row: int) -> Hashable:
    return self.table.space.function_key(self.table.architecture_of(row))

  def _fit(self, rows: np.ndarray, num_unlabeled: int, rng: np.random.Generator) -> None:
    unlabeled = [self.table.space.sample(rng) for _ in range(num_unlabeled)]
    fit_controller(
      self._controller,
      self._encodings([self.table.architecture_of(row) for row in rows], rng),
      make_targets(self._figure[rows], self.config.target),
      num_steps=self.config.steps_for(len(rows)),
      seed=int(rng.integers(2**31)),
      unlabeled=self._controller.vocabulary.encode(unlabeled) if unlabeled else None,
    )

  def _encodings(self, architectures: list[Architecture], rng: np.random.Generator) -> np.ndarray:
    space, vocabulary = self.table.space, self._controller.vocabulary
    isomorphic = self.config.isomorphic
    return augment(space, vocabulary, architectures, self.config.num_encodings, rng, isomorphic=isomorphic)

  def _measure(self, rows: np.ndarray) -> PredictorScores:
    tokens = self._controller.vocabulary.encode(self.table.architecture_of(row) for row in rows)
    predictions, figures = self._controller.score(tokens), self._figure[rows]
    mean = predictions.mean(axis=0)
    written = self._controller.decode(self._controller.encode(tokens)).numpy()
    return PredictorScores(
      kendall_tau=float(np.mean([kendall_tau(prediction, figures) for prediction in predictions])),
      kendall_tau_of_mean=kendall_tau(mean, figures),
      pairwise_accuracy=pairwise_accuracy(mean, figures),
      hamming=float(np.mean([hamming_distance(sequences, tokens) for sequences in written])),
    )
