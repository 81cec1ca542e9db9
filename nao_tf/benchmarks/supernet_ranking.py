"""How well scores with shared weights rank architectures, compared with a training of each from scratch.

That training may be one of a table. Besides the scores of a supernet, architectures can be ranked by their number of
parameters, or by scores as the released NAO-WS takes them (Luo et al., NeurIPS 2018).
"""

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
import scipy.stats
import tensorflow as tf

from nao_tf.benchmarks.rank_metrics import kendall_tau, spearman
from nao_tf.runs.json_files import write_json
from nao_tf.supernets.image_supernet_trainer import ImageSupernetTrainer
from nao_tf.trial import Architecture, Trial

RANKS_FILE = "ranks.json"
SHARED, RELEASED, SEPARATE = "shared", "released", "separate"
"""The ways of scoring: with shared weights, as the released NAO-WS does it (`released_0`, ...), trained from scratch."""

_RESAMPLES = 400

Scores = Mapping[str, Sequence[float | None]]
"""For each way of scoring, the score of each architecture; None if it failed."""


@dataclasses.dataclass(frozen=True)
class Ranking:
  """How well ways of scoring rank architectures.

  Attributes:
    tau: for each way of scoring, Kendall's tau with the trainings from scratch, and its standard error.
    num_architectures: how many architectures were compared: those that have a score in every way.
    spearman: for each way of scoring, Spearman's rank correlation with the trainings from scratch.
  """

  tau: dict[str, tuple[float, float]]
  num_architectures: int
  spearman: dict[str, float]


def rank(scores: Scores, truth: Sequence[float | None]) -> Ranking:
  """Compares ways of scoring with trainings from scratch.

  Args:
    scores: scores of each architecture.
    truth: the reward of each architecture when it is trained from scratch; None if that failed.
  """
  rows = {**scores, SEPARATE: truth}
  valid = [i for i in range(len(truth)) if all(row[i] is not None for row in rows.values())]
  arrays = {name: np.array([row[i] for i in valid], np.float64) for name, row in rows.items()}
  rho = {name: spearman(row, arrays[SEPARATE]) for name, row in arrays.items() if name != SEPARATE}
  return Ranking(correlations(arrays), len(valid), rho)


def correlations(rows: Mapping[str, np.ndarray]) -> dict[str, tuple[float, float]]:
  """Returns Kendall's tau of each row with the row "separate", and its standard error.

  After those of the released way come their mean, and the difference between shared weights and this mean.

  Args:
    rows: scores by the way they were taken, [N] each.
  """
  truth, others = rows[SEPARATE], {name: row for name, row in rows.items() if name != SEPARATE}
  released = [row for name, row in rows.items() if name.startswith(RELEASED)]
  found = {name: _with_error(partial(_mean_tau, [row], truth), len(truth)) for name, row in others.items()}
  if released:
    found[f"{RELEASED}, mean"] = _with_error(partial(_mean_tau, released, truth), len(truth))
    found[f"{SHARED} - {RELEASED}"] = _with_error(partial(_lead, rows[SHARED], released, truth), len(truth))
  return found


def other_figures(trials: Sequence[Trial]) -> dict[str, list[float | None]]:
  """Returns the accuracies and the numbers of parameters that evaluations with shared weights report, if they do."""
  metrics = [trial.evaluation.metrics if trial.evaluation else {} for trial in trials]
  rows = {name: [values.get(name) for values in metrics] for name in ("accuracy", "parameters")}
  return {f"{SHARED}_{name}": row for name, row in rows.items() if row[0] is not None}


def write_ranks(
  directory: str, ranking: Ranking, architectures: Sequence[str], scores: Scores, truth: Sequence[float | None]
) -> None:
  """Writes `ranks.json`: the correlations, the architectures as text and all their scores."""
  found = {"tau": ranking.tau, "spearman": ranking.spearman}
  everything = {**found, "architectures": architectures, "scores": {**scores, SEPARATE: truth}}
  write_json(os.path.join(directory, RANKS_FILE), everything)


class ReleasedScores:
  """Scores as the released NAO-WS takes them.

  Each architecture is scored on one batch of its own, with the statistics of this batch and with dropout as in training.
  """

  def __init__(self, trainer: ImageSupernetTrainer, seed: int):
    """Initializes with a supernet that has been trained.

    Args:
      trainer: trainer of the supernet.
      seed: random seed of the choice of batches.
    """
    self._trainer, self._seed = trainer, seed
    self._batches = list(trainer.task.evaluation_batches("valid", trainer.training_config.evaluation_batch_size))
    self._accuracy = tf.function(self._score, autograph=False)

  def score(self, architecture: Architecture, repeat: int) -> float:
    """Returns the accuracy on a batch that depends on the architecture, the number of the repetition and the seed."""
    rng = np.random.default_rng([self._seed, repeat, *architecture])
    images, labels, weights = self._batches[rng.integers(len(self._batches))]
    step = tf.constant(int(rng.integers(2**31)), tf.int64)
    return float(self._accuracy(images, labels, weights, tf.constant(architecture, tf.int32), step))

  def _score(
    self, images: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor, architecture: tf.Tensor, step: tf.Tensor
  ) -> tf.Tensor:
    path = self._trainer.supernet.path(architecture)
    network = self._trainer.supernet.network(architecture, path, self._trainer.weights.read(path.positions))
    outputs = network(images, training=True, step=step)
    logits = outputs["logits"] if isinstance(outputs, dict) else outputs
    found = tf.cast(tf.argmax(logits, -1, output_type=labels.dtype) == labels, tf.float32)
    return tf.reduce_sum(found * weights) / tf.reduce_sum(weights)


def _mean_tau(rows: Sequence[np.ndarray], truth: np.ndarray, chosen: np.ndarray) -> float:
  return float(np.mean([kendall_tau(row[chosen], truth[chosen]) for row in rows]))


def _lead(row: np.ndarray, others: Sequence[np.ndarray], truth: np.ndarray, chosen: np.ndarray) -> float:
  return _mean_tau([row], truth, chosen) - _mean_tau(others, truth, chosen)


def _with_error(statistic: Callable[[np.ndarray], float], count: int) -> tuple[float, float]:
  """Returns a statistic of all architectures, and its standard error by the bootstrap over them."""
  places, rng = np.arange(count), np.random.default_rng(0)
  result = scipy.stats.bootstrap(
    (places,), statistic, n_resamples=_RESAMPLES, vectorized=False, method="percentile", rng=rng
  )
  return statistic(places), float(result.standard_error)
