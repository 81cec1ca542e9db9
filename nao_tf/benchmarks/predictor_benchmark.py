"""How well a controller predicts and writes architectures that it has not seen, measured on a table.

A controller is fitted to a few random architectures of the table, as a round of NAO would do it. It is then asked about
others, none of which computes the same as one that it was fitted to.
"""

import dataclasses

import numpy as np

from nao_tf.benchmarks import rank_metrics as metrics
from nao_tf.controller.config import ControllerConfig
from nao_tf.controller.controller import Controller
from nao_tf.controller.dataset import augment, make_targets
from nao_tf.controller.fitting import fit_controller
from nao_tf.controller.state import restart
from nao_tf.controller.vocabulary import Vocabulary
from nao_tf.tables.base import Table
from nao_tf.trial import Architecture


@dataclasses.dataclass(frozen=True)
class Fidelity:
  """What was measured on unseen architectures.

  Attributes:
    kendall_tau: between the figures of the table and the scores of the members, mean over the members.
    kendall_tau_of_mean: the same for the mean of the members' scores.
    pairwise_accuracy: share of pairs that the mean of the scores orders as the table does.
    hamming: tokens per architecture that the decoder, at its likeliest, writes wrongly, mean over the members.
  """

  kendall_tau: float
  kendall_tau_of_mean: float
  pairwise_accuracy: float
  hamming: float


class FidelityTest:
  """Fits controllers of one configuration to samples of a table; all fits share one graph."""

  def __init__(self, table: Table, config: ControllerConfig, *, ensemble_size: int = 3, objective: str | None = None):
    """Args:
    table: architectures with their figures.
    config: of the controller.
    ensemble_size: controllers that are fitted side by side.
    objective: figure of the table to predict; None for the table's default.
    """
    self.table, self.config, self.ensemble_size = table, config, ensemble_size
    self._figure = table.figure(objective or table.default_objective)
    self._controller = Controller(Vocabulary.of(table.space), config, ensemble_size=ensemble_size)

  def run(self, num_train: int, *, num_test: int = 1000, num_unlabeled: int = 512, seed: int = 0) -> Fidelity:
    """Fits a new controller and measures it.

    Args:
      num_train: architectures to fit it to.
      num_test: architectures to measure it on.
      num_unlabeled: random architectures of the space, without figures, that the decoder is fitted to as well.
      seed: of the architectures and of the controller.
    """
    rng = np.random.default_rng(seed)
    known, unseen = self._split(num_train, num_test, rng)
    restart(self._controller, seed)
    self._fit(known, num_unlabeled, rng)
    return self._measure(unseen)

  def _split(self, num_train: int, num_test: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    rows = rng.permutation(np.flatnonzero(np.isfinite(self._figure)))
    known, function = rows[:num_train], self.table.space.function_key
    seen = {function(self.table.architecture_of(row)) for row in known}
    others = (row for row in rows[num_train:] if function(self.table.architecture_of(row)) not in seen)
    unseen = np.array([row for row, _ in zip(others, range(num_test))])
    if len(known) < num_train or len(unseen) < 2:
      raise ValueError(f"{self.table.path}: {len(rows)} rows are too few to fit to {num_train} and measure on others")
    return known, unseen

  def _fit(self, rows: np.ndarray, num_unlabeled: int, rng: np.random.Generator) -> None:
    unlabeled = [self.table.space.sample(rng) for _ in range(num_unlabeled)]
    fit_controller(
      self._controller,
      self._spelled([self.table.architecture_of(row) for row in rows], rng),
      make_targets(self._figure[rows], self.config.target),
      num_steps=self.config.steps_for(len(rows)),
      seed=int(rng.integers(2**31)),
      unlabeled=self._controller.vocabulary.encode(unlabeled) if unlabeled else None,
    )

  def _spelled(self, architectures: list[Architecture], rng: np.random.Generator) -> np.ndarray:
    space, config = self.table.space, self.config
    return augment(
      space, self._controller.vocabulary, architectures, config.num_encodings, rng, isomorphic=config.isomorphic
    )

  def _measure(self, rows: np.ndarray) -> Fidelity:
    tokens = self._controller.vocabulary.encode(self.table.architecture_of(row) for row in rows)
    scores, figures = self._controller.score(tokens), self._figure[rows]
    written = self._controller.decode(self._controller.encode(tokens)).numpy()
    return Fidelity(
      kendall_tau=float(np.mean([metrics.kendall_tau(member, figures) for member in scores])),
      kendall_tau_of_mean=metrics.kendall_tau(scores.mean(axis=0), figures),
      pairwise_accuracy=metrics.pairwise_accuracy(scores.mean(axis=0), figures),
      hamming=float(np.mean([metrics.hamming_distance(member, tokens) for member in written])),
    )
