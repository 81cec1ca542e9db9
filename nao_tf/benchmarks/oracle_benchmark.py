"""Benchmarks of KerasTuner oracles: many searches over networks whose configurations have all been trained before.

The networks are those of `nao_tf.benchmarks.small_networks`. The benchmark calls an oracle as a tuner would, one trial
after the other. Repeated configurations count.
"""

import dataclasses
import functools
import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras_tuner
import numpy as np
from keras_tuner.engine import trial as trial_module

from nao_tf.benchmarks import small_networks
from nao_tf.benchmarks.strategy_benchmark import BenchmarkConfig, Run, finish
from nao_tf.spaces.hyperparameters import HyperParameterSpace
from nao_tf.tables.arrays import NUMBERS, ArraySpec, load_array
from nao_tf.tuner.nao_tuner import NAOOracle
from nao_tf.tuner.oracle import StrategyOracle

_Key = tuple[tuple[str, Any], ...]

OBJECTIVE, REPORT = "val_accuracy", "test_accuracy"
ORACLES: dict[str, Callable[..., keras_tuner.Oracle]] = {
  "nao": NAOOracle,
  "evolution": functools.partial(StrategyOracle, "evolution"),
  "bayesian": keras_tuner.oracles.BayesianOptimizationOracle,
  "random": keras_tuner.oracles.RandomSearchOracle,
}
_SEED_DISTANCE = 1000  # KerasTuner's random search adds 1 to its seed after each draw, so close seeds draw the same.


@dataclasses.dataclass(frozen=True, eq=False)
class TunerTable:
  """Accuracies of all configurations.

  Attributes:
    configurations: values of the hyperparameters of each row.
    valid: validation accuracies in percent, [N].
    test: test accuracies in percent, [N].
  """

  configurations: Sequence[Mapping[str, Any]]
  valid: np.ndarray
  test: np.ndarray

  @property
  def digest(self) -> str:
    """A text that identifies the accuracies."""
    return hashlib.sha256(self.valid.tobytes() + self.test.tobytes()).hexdigest()[:16]

  def row(self, values: Mapping[str, Any]) -> int:
    """Returns the row of a configuration.

    Raises:
      KeyError: if it has none.
    """
    return self._rows[_key(values)]

  @functools.cached_property
  def _rows(self) -> dict[_Key, int]:
    return {_key(values): row for row, values in enumerate(self.configurations)}


def every_configuration() -> list[dict[str, Any]]:
  """Returns all configurations of the networks."""
  space = HyperParameterSpace(declared())
  return [space.decode(architecture) for architecture in space.enumerate()]


def declared() -> keras_tuner.HyperParameters:
  """Returns the hyperparameters of the networks."""
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
  """Reads a table. Trains the networks that are missing, and writes one file for each shape of networks.

  Args:
    directory: directory of the files; created if it does not exist.
    configurations: the rows; they must always be the same in one directory. None: all configurations.
    num_runs: number of trainings of each network, with different initial weights. The table has their mean accuracies.
    epochs: epochs of each training.
    on_shape: called with the number of configurations of each shape, once they are read or trained.
  """
  os.makedirs(directory, exist_ok=True)
  configurations = every_configuration() if configurations is None else configurations
  figures = np.zeros([2, len(configurations)])
  for (layers, units), rows in small_networks.by_shape(configurations).items():
    path = os.path.join(directory, table_file(layers, units, num_runs, epochs))
    if not os.path.exists(path):
      _save(path, _train([configurations[row] for row in rows], num_runs, epochs))
    figures[:, rows] = _load(path, len(rows))
    on_shape(len(rows))
  return TunerTable(configurations, *figures)


def table_file(layers: int, units: int, num_runs: int, epochs: int) -> str:
  """Returns the name of the file with the validation and test accuracies of networks of one shape, [2, C]."""
  return f"{layers}x{units}-{num_runs}-{epochs}.npy"


def _train(configurations: Sequence[Mapping[str, Any]], num_runs: int, epochs: int) -> np.ndarray:
  """Returns mean validation and test accuracies, [2, C]."""
  digits = small_networks.Digits.load()
  runs = [small_networks.train(configurations, digits, epochs=epochs, seed=seed) for seed in range(num_runs)]
  return np.asarray(runs).mean(axis=0, dtype=np.float64)


def _load(path: str, num_configurations: int) -> np.ndarray:
  """Returns the accuracies in a file, [2, C]."""
  array = load_array(path, ArraySpec(NUMBERS, (2, num_configurations)))
  if not np.isfinite(array).all():
    raise ValueError(f"{path}: expected finite accuracies, got {array[~np.isfinite(array)][0]}")
  return array


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
  """Returns the searches of a benchmark: all oracles with the first seed, then with the second one, and so on.

  Args:
    oracles: further keyword arguments of each oracle, by its name.
    seeds: seeds of each oracle.
    table: table to search.
    num_trials: number of trials of each search.
    table_directory: directory of the table.
    directory: directory of the benchmark.

  Raises:
    ValueError: if there is no such oracle.
  """
  for name in oracles:
    if name not in ORACLES:
      raise ValueError(f"unknown oracle {name!r}; expected some of {', '.join(ORACLES)}")
  config = BenchmarkConfig(table_directory, OBJECTIVE, REPORT, num_trials, batch_size=1)
  return [
    Run(name, seed, options, config, table.digest, directory) for seed in seeds for name, options in oracles.items()
  ]


def search(run: Run) -> None:
  """Runs the search of an oracle and writes its record."""
  table = make_table(run.config.table)
  oracle = make_oracle(run.strategy, run.options, seed=run.seed, max_trials=run.config.num_trials)
  start = time.monotonic()
  rows = [row for row, _ in steps(oracle, table, run.config.num_trials)]
  objectives, tests = ([float(figures[row]) for row in rows] for figures in (table.valid, table.test))
  finish(run, time.monotonic() - start, objectives=objectives, tests=tests, rows=rows)


def make_oracle(name: str, options: Mapping[str, Any], *, seed: int, max_trials: int) -> keras_tuner.Oracle:
  """Returns an oracle over the hyperparameters of the networks.

  Args:
    name: a key of `ORACLES`.
    options: further keyword arguments of the oracle.
    seed: number of the search.
    max_trials: most trials that the oracle creates.
  """
  return ORACLES[name](
    objective=keras_tuner.Objective(OBJECTIVE, "max"),
    max_trials=max_trials,
    seed=_SEED_DISTANCE * seed + 1,
    hyperparameters=declared(),
    **options,
  )


def steps(oracle: keras_tuner.Oracle, table: TunerTable, num_trials: int) -> list[tuple[int, float]]:
  """Runs a search.

  Args:
    oracle: a new oracle, which has no trials.
    table: accuracies of all configurations.
    num_trials: most trials to run.

  Returns:
    For each trial its row, and the seconds that the oracle took to create and to end it.
  """
  taken: list[tuple[int, float]] = []
  with tempfile.TemporaryDirectory() as directory:
    oracle._set_project_dir(directory, "project")
    oracle.verbose = 0
    while len(taken) < num_trials:
      start = time.monotonic()
      trial = oracle.create_trial("tuner0")
      if trial.status != "RUNNING":
        break
      row = _end_trial(oracle, trial, table)
      taken.append((row, time.monotonic() - start))
  return taken


def _end_trial(oracle: keras_tuner.Oracle, trial: trial_module.Trial, table: TunerTable) -> int:
  """Ends a trial with its accuracy in the table, and returns its row."""
  row = table.row(trial.hyperparameters.values)
  oracle.update_trial(trial.trial_id, {OBJECTIVE: float(table.valid[row])})
  trial.status = "COMPLETED"
  oracle.end_trial(trial)
  return row


def overhead(
  name: str, options: Mapping[str, Any], table: TunerTable, num_trials: int, *, num_timed: int
) -> dict[str, float]:
  """Measures how long an oracle takes for a trial after a given number of trials.

  The Bayesian oracle is slow. It draws the trials before the timed ones at random, which does not change its time for
  the others.

  Args:
    name: a key of `ORACLES`.
    options: further keyword arguments of the oracle.
    table: table to search.
    num_trials: number of trials before the timed ones.
    num_timed: number of timed trials.

  Returns:
    The "mean" and the "max" of the seconds of a timed trial, and their number, "num_timed".
  """
  options = {**options, "num_initial_points": num_trials} if name == "bayesian" else options
  oracle = make_oracle(name, options, seed=0, max_trials=num_trials + num_timed)
  seconds = [taken for _, taken in steps(oracle, table, num_trials + num_timed)][num_trials:]
  return {"mean": float(np.mean(seconds)), "max": max(seconds), "num_timed": len(seconds)}


def _key(values: Mapping[str, Any]) -> _Key:
  """Returns a value that is equal for equal configurations. Floats are equal if six significant digits are."""
  return tuple((name, f"{v:.6g}" if isinstance(v, float) else v) for name, v in sorted(values.items()))
