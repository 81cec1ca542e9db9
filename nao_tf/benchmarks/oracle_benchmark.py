"""Benchmarks of KerasTuner oracles: many searches over a network of which every configuration was trained before.

The network is that of `nao_tf.benchmarks.small_networks`. An oracle is asked and told as a tuner would do it, one trial
after the other; repeated configurations count.
"""

import functools
import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras_tuner
import numpy as np

from nao_tf.benchmarks import small_networks
from nao_tf.benchmarks.processes import Send
from nao_tf.benchmarks.strategy_benchmark import BenchmarkConfig, Run, finish
from nao_tf.spaces.hyperparameters import HyperParameterSpace
from nao_tf.tuner.oracle import StrategyOracle
from nao_tf.tuner.tuner import NAOOracle

OBJECTIVE, REPORT = "val_accuracy", "test_accuracy"
ORACLES: dict[str, Callable[..., keras_tuner.Oracle]] = {
  "nao": NAOOracle,
  "evolution": functools.partial(StrategyOracle, "evolution"),
  "bayesian": keras_tuner.oracles.BayesianOptimizationOracle,
  "random": keras_tuner.oracles.RandomSearchOracle,
}
_SEED_DISTANCE = 1000  # KerasTuner's random search draws what a neighboring seed draws, one hyperparameter later.


class TunerTable:
  """What came out of training every configuration.

  Attributes:
    configurations: values of the hyperparameters of each row.
    valid: validation accuracies in percent, [N].
    test: test accuracies in percent, [N].
  """

  def __init__(self, configurations: Sequence[Mapping[str, Any]], valid: np.ndarray, test: np.ndarray):
    """Args:
    configurations: values of the hyperparameters of each row.
    valid: validation accuracies in percent, [N].
    test: test accuracies in percent, [N].
    """
    self.configurations, self.valid, self.test = configurations, valid, test
    self._rows = {_key(values): row for row, values in enumerate(configurations)}

  @property
  def digest(self) -> str:
    """Tells tables apart."""
    return hashlib.sha256(self.valid.tobytes() + self.test.tobytes()).hexdigest()[:16]

  def row(self, values: Mapping[str, Any]) -> int:
    """Returns the row of a configuration.

    Raises:
      KeyError: if it has none.
    """
    return self._rows[_key(values)]


def every_configuration() -> list[dict[str, Any]]:
  """Returns all configurations of the network."""
  space = HyperParameterSpace(declared())
  return [space.decode(architecture) for architecture in space.enumerate()]


def declared() -> keras_tuner.HyperParameters:
  """Returns the hyperparameters of the network."""
  hp = keras_tuner.HyperParameters()
  small_networks.declare(hp)
  return hp


def make_table(
  directory: str,
  *,
  configurations: Sequence[Mapping[str, Any]] | None = None,
  num_runs: int = 4,
  epochs: int = 20,
  on_shape: Callable[[int], None] = lambda count: None,
) -> TunerTable:
  """Reads a table, and first trains what is missing there: a file for each shape of networks.

  Args:
    directory: of the files; made if it does not exist.
    configurations: the rows, always the same in one directory; None for all that there are.
    num_runs: trainings of each network, with other initial weights; their accuracies are averaged.
    epochs: of each training.
    on_shape: called with the number of configurations of each shape when it is there.
  """
  os.makedirs(directory, exist_ok=True)
  configurations = every_configuration() if configurations is None else configurations
  figures = np.zeros([2, len(configurations)])
  for (layers, units), rows in small_networks.by_shape(configurations).items():
    path = os.path.join(directory, table_file(layers, units, num_runs, epochs))
    if not os.path.exists(path):
      _save(path, _train([configurations[row] for row in rows], num_runs, epochs))
    figures[:, rows] = np.load(path)
    on_shape(len(rows))
  return TunerTable(configurations, *figures)


def table_file(layers: int, units: int, num_runs: int, epochs: int) -> str:
  """Returns the name of the file with the accuracies of networks of one shape, [2, C]: validation and test."""
  return f"{layers}x{units}-{num_runs}-{epochs}.npy"


def _train(configurations: Sequence[Mapping[str, Any]], num_runs: int, epochs: int) -> np.ndarray:
  """Returns mean validation and test accuracies, [2, C]."""
  digits = small_networks.Digits.load()
  runs = [small_networks.train(configurations, digits, epochs=epochs, seed=seed) for seed in range(num_runs)]
  return np.mean(runs, axis=0, dtype=np.float64)


def _save(path: str, array: np.ndarray) -> None:
  with open(f"{path}.tmp", "wb") as file:
    np.save(file, array)
  os.replace(f"{path}.tmp", path)


def make_runs(
  oracles: Mapping[str, Mapping[str, Any]],
  seeds: Sequence[int],
  table: TunerTable,
  *,
  num_trials: int,
  table_directory: str,
  directory: str,
) -> list[Run]:
  """Returns the searches of a benchmark, all oracles with the first seed first.

  Args:
    oracles: names with their options.
    seeds: of each oracle.
    table: what all search.
    num_trials: of each search.
    table_directory: of the table.
    directory: of the benchmark.

  Raises:
    ValueError: if there is no such oracle.
  """
  for name in set(oracles) - set(ORACLES):
    raise ValueError(f"unknown oracle {name!r}; expected some of {', '.join(ORACLES)}")
  config = BenchmarkConfig(table_directory, OBJECTIVE, REPORT, num_trials, batch_size=1)
  return [
    Run(name, seed, options, config, table.digest, directory) for seed in seeds for name, options in oracles.items()
  ]


def search(run: Run, send: Send) -> None:
  """Runs one search and writes its record."""
  table = make_table(run.config.table)
  oracle = make_oracle(run.strategy, run.options, seed=run.seed, max_trials=run.config.num_trials)
  start = time.monotonic()
  rows = [row for row, _ in steps(oracle, table, run.config.num_trials, on_trial=lambda: send(1))]
  send(run.config.num_trials - len(rows))
  objectives, tests = ([float(figures[row]) for row in rows] for figures in (table.valid, table.test))
  finish(run, time.monotonic() - start, objectives=objectives, tests=tests, rows=rows)


def make_oracle(name: str, options: Mapping[str, Any], *, seed: int, max_trials: int) -> keras_tuner.Oracle:
  """Returns an oracle over the network's hyperparameters."""
  return ORACLES[name](
    objective=keras_tuner.Objective(OBJECTIVE, "max"),
    max_trials=max_trials,
    seed=_SEED_DISTANCE * seed + 1,
    hyperparameters=declared(),
    **options,
  )


def steps(
  oracle: keras_tuner.Oracle, table: TunerTable, num_trials: int, *, on_trial: Callable[[], None] = lambda: None
) -> list[tuple[int, float]]:
  """Searches; returns the row of each trial, and the seconds that the oracle took to create and to end it."""
  taken: list[tuple[int, float]] = []
  with tempfile.TemporaryDirectory() as directory:
    oracle._set_project_dir(directory, "project")
    oracle.verbose = 0
    while len(taken) < num_trials:
      start = time.monotonic()
      trial = oracle.create_trial("tuner0")
      if trial.status != "RUNNING":
        break
      row = table.row(trial.hyperparameters.values)
      oracle.update_trial(trial.trial_id, {OBJECTIVE: float(table.valid[row])})
      trial.status = "COMPLETED"
      oracle.end_trial(trial)
      taken.append((row, time.monotonic() - start))
      on_trial()
  return taken


def overhead(
  name: str, options: Mapping[str, Any], table: TunerTable, num_trials: int, *, num_timed: int
) -> dict[str, float]:
  """Measures the seconds that an oracle takes for a trial when so many have ended.

  The Bayesian oracle, which takes long, gets random ones to begin with: where they come from is all the same to it.

  Args:
    name: of the oracle.
    options: of the oracle.
    table: what it searches.
    num_trials: how many have ended before.
    num_timed: over how many further trials to average.

  Returns:
    The "mean" and the "max" of the seconds of a trial, and their number, "num_timed".
  """
  options = {**options, "num_initial_points": num_trials} if name == "bayesian" else options
  oracle = make_oracle(name, options, seed=0, max_trials=num_trials + num_timed)
  seconds = [taken for _, taken in steps(oracle, table, num_trials + num_timed)][num_trials:]
  return {"mean": float(np.mean(seconds)), "max": max(seconds), "num_timed": len(seconds)}


def _key(values: Mapping[str, Any]) -> tuple:
  return tuple((name, f"{v:.6g}" if isinstance(v, float) else v) for name, v in sorted(values.items()))
