"""Measures how well scores with shared weights rank architectures: against trainings of each from scratch.

Random architectures are trained separately by the --child_ flags and scored with the weights of a supernet trained by the
--shared_ flags. Prints Kendall's tau between both, with its standard error by the bootstrap over architectures, and for
comparison that of the number of parameters and that of scores taken as the released NAO-WS takes them: each architecture
on one validation batch of its own, by the batch's statistics, with dropout.

Example:
  python tools/rank_shared.py --flagfile=flags/cifar10_shared.flags --num_architectures=24 --workdir=runs/rank

Killed and started again with the same flags, it goes on where it was. The work directory gets the journals separate and
shared, and ranks.json.
"""

import os
from collections.abc import Callable
from functools import partial

import numpy as np
import scipy.stats
import tensorflow as tf
import tqdm
from absl import flags

from nao_tf.benchmarks.rank_metrics import kendall_tau
from nao_tf.evaluators.base import Evaluator
from nao_tf.evaluators.shared_weights_evaluator import SharedWeightsEvaluator
from nao_tf.runs.journal import Journal
from nao_tf.runs.settings import write_json
from nao_tf.search.reranking import rerank
from nao_tf.spaces import make_space
from nao_tf.supernets.image_supernet_trainer import SharedImageTrainer
from nao_tf.tools import flagging, search
from nao_tf.trial import Architecture, Evaluation, Trial

RANKS_FILE = "ranks.json"
SHARED = "shared"
RELEASED = "released"
_RESAMPLES = 400
_UNSCORED = Evaluation(0.0)


def define_flags(flag_values: flags.FlagValues) -> None:
  """Defines the flags of this binary: those of a search, of which it uses the task, the children and the supernet."""
  search.define_flags(flag_values)
  flags.DEFINE_integer("num_architectures", 24, "random architectures to compare", 3, flag_values=flag_values)
  flags.DEFINE_integer("released_repeats", 5, "draws of batches for the released way", 1, flag_values=flag_values)


def main(flag_values: flags.FlagValues) -> None:
  """Measures what the flags describe."""
  distribution = search.experiment.prepare_process(flag_values)
  space, rng = make_space(flag_values.space), np.random.default_rng([flag_values.seed, 1])
  architectures = [space.canonical(space.sample(rng)) for _ in range(flag_values.num_architectures)]
  shared = search.shared_weights_evaluator(flag_values, space, distribution)
  trials = evaluate(flag_values, SHARED, shared, architectures)
  scores = {SHARED: [trial.reward for trial in trials], **figures(trials)}
  if isinstance(shared.trainer, SharedImageTrainer):
    released = ReleasedScores(shared, flag_values.seed)
    for repeat in range(flag_values.released_repeats):
      scores[f"{RELEASED}_{repeat}"] = [released.score(a, repeat) for a in architectures]
  separate = search.training_evaluator(flag_values, space, distribution)
  truth = [trial.reward for trial in evaluate(flag_values, "separate", separate, architectures)]
  report(flag_values.workdir, [space.format(a) for a in architectures], scores, truth)


def evaluate(
  flag_values: flags.FlagValues, name: str, evaluator: Evaluator, architectures: list[Architecture]
) -> list[Trial]:
  """Returns the trials of architectures, with a journal of that name."""
  trials = [Trial(number, architecture, "", _UNSCORED) for number, architecture in enumerate(architectures)]
  with (
    Journal(os.path.join(flag_values.workdir, name), search.search_settings(flag_values)) as journal,
    tqdm.tqdm(total=len(trials), unit=name, dynamic_ncols=True) as bar,
  ):
    rerank(trials, make_space(flag_values.space), evaluator, journal, on_trial=lambda trial: bar.update())
    return journal.trials


def figures(trials: list[Trial]) -> dict[str, list[float | None]]:
  """Returns what else than their scores architectures could be ranked by: their accuracy, their number of parameters."""
  rows = {name: [trial.evaluation.metrics.get(name) for trial in trials] for name in ("accuracy", "parameters")}
  return {f"{SHARED}_{name}": row for name, row in rows.items() if row[0] is not None}


class ReleasedScores:
  """Scores as the released NAO-WS takes them: one batch each, batch statistics, dropout as in training."""

  def __init__(self, evaluator: SharedWeightsEvaluator, seed: int):
    """Args:
    evaluator: its supernet has been trained.
    seed: of the choice of batches.
    """
    self._trainer, self._seed = evaluator.trainer, seed
    self._batches = list(self._trainer.task.evaluation_batches("valid", self._trainer.config.evaluation_batch_size))
    self._accuracy = tf.function(self._score, autograph=False)

  def score(self, architecture: Architecture, repeat: int) -> float:
    """Returns the accuracy on a batch that depends on architecture, repetition and seed."""
    rng = np.random.default_rng([self._seed, repeat, *architecture])
    images, labels, weights = self._batches[rng.integers(len(self._batches))]
    step = tf.constant(int(rng.integers(2**31)), tf.int64)
    return float(self._accuracy(images, labels, weights, tf.constant(architecture, tf.int32), step))

  def _score(self, images, labels, weights, architecture, step) -> tf.Tensor:
    path = self._trainer.supernet.path(architecture)
    network = self._trainer.supernet.network(architecture, path, self._trainer.weights.read(path.positions))
    outputs = network(images, training=True, step=step)
    logits = outputs["logits"] if isinstance(outputs, dict) else outputs
    found = tf.cast(tf.argmax(logits, -1, output_type=labels.dtype) == labels, tf.float32)
    return tf.reduce_sum(found * weights) / tf.reduce_sum(weights)


def report(
  workdir: str, architectures: list[str], scores: dict[str, list[float | None]], truth: list[float | None]
) -> None:
  """Prints Kendall's tau of each way of scoring against the separate trainings, and writes everything down."""
  rows = {**scores, "separate": truth}
  valid = [i for i in range(len(truth)) if all(row[i] is not None for row in rows.values())]
  found = correlations({name: np.array([row[i] for i in valid]) for name, row in rows.items()})
  write_json(os.path.join(workdir, RANKS_FILE), {"tau": found, "architectures": architectures, "scores": rows})
  for name, (tau, error) in found.items():
    print(f"{name:20} tau {tau:6.3f} +- {error:.3f} over {len(valid)} architectures")


def correlations(rows: dict[str, np.ndarray]) -> dict[str, tuple[float, float]]:
  """Returns Kendall's tau of each row with the row "separate", and its standard error.

  Those of the released way are followed by their mean, and by how much higher that of shared weights is.
  """
  truth, others = rows["separate"], {name: row for name, row in rows.items() if name != "separate"}
  released = [row for name, row in rows.items() if name.startswith(RELEASED)]
  found = {name: _with_error(partial(_mean_tau, [row], truth), len(truth)) for name, row in others.items()}
  if released:
    found[f"{RELEASED}, mean"] = _with_error(partial(_mean_tau, released, truth), len(truth))
    found[f"{SHARED} - {RELEASED}"] = _with_error(partial(_lead, rows[SHARED], released, truth), len(truth))
  return found


def _mean_tau(rows: list[np.ndarray], truth: np.ndarray, chosen: np.ndarray) -> float:
  return float(np.mean([kendall_tau(row[chosen], truth[chosen]) for row in rows]))


def _lead(row: np.ndarray, others: list[np.ndarray], truth: np.ndarray, chosen: np.ndarray) -> float:
  return _mean_tau([row], truth, chosen) - _mean_tau(others, truth, chosen)


def _with_error(statistic: Callable[[np.ndarray], float], count: int) -> tuple[float, float]:
  """Returns a statistic of all architectures, and its standard error by the bootstrap over them."""
  places, rng = np.arange(count), np.random.default_rng(0)
  result = scipy.stats.bootstrap(
    (places,), statistic, n_resamples=_RESAMPLES, vectorized=False, method="percentile", rng=rng
  )
  return statistic(places), float(result.standard_error)


def cli() -> None:
  """Runs the binary."""
  flagging.run(define_flags, main)


if __name__ == "__main__":
  cli()
