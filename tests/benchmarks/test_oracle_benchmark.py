import csv
import json

import keras_tuner
import numpy as np
import pytest
from absl import flags

from nao_tf.benchmarks import oracle_benchmark as benchmark
from nao_tf.benchmarks import small_networks
from nao_tf.tools import benchmark_oracles as binary
from tests.support.tuner_cases import QUICK


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
  """A table whose figures are made up: the more units and the fewer layers, the better."""
  path = tmp_path_factory.mktemp("table")
  configurations = benchmark.every_configuration()
  for (layers, units), rows in small_networks.by_shape(configurations).items():
    valid = units - 10 * layers + np.linspace(0, 1, len(rows))
    np.save(path / benchmark.table_file(layers, units, 4, 20), np.stack([valid, valid - 1]))
  return path


@pytest.fixture(scope="module")
def table(directory):
  return benchmark.make_table(str(directory))


def flag_values(output, table, *argv):
  values = flags.FlagValues()
  binary.define_flags(values)
  small = ("--oracles=random,evolution", "--num_seeds=2", "--num_trials=12", f"--table={table}")
  values(["benchmark_oracles", f"--output={output}", *small, *argv])
  return values


def test_a_table_has_a_row_for_every_configuration_in_any_order(table):
  for row in (0, 1000, 4031):
    values = table.configurations[row]
    assert table.row(dict(reversed(values.items()))) == row
    assert table.row({**values, "learning_rate": values["learning_rate"] * (1 + 1e-9)}) == row
  with pytest.raises(KeyError):
    table.row({**table.configurations[0], "units": 9})


def test_only_what_is_missing_of_a_table_is_trained(tmp_path, no_graphs):
  configurations = benchmark.every_configuration()
  some = [v for v in configurations if v["units"] == 8 and v["layers"] < 3 and v["learning_rate"] == 1e-4][::8]
  first = benchmark.make_table(str(tmp_path), configurations=some, num_runs=2, epochs=1)
  paths = sorted(tmp_path.iterdir())
  assert len(paths) == 2
  np.save(paths[0], np.full([2, len(np.load(paths[0])[0])], 12.0))
  paths[1].unlink()
  again = benchmark.make_table(str(tmp_path), configurations=some, num_runs=2, epochs=1)
  shallow = [values["layers"] == 1 for values in some]
  assert (again.valid[shallow] == 12).all()
  np.testing.assert_allclose(again.valid[np.invert(shallow)], first.valid[np.invert(shallow)])


@pytest.mark.parametrize("name", benchmark.ORACLES)
def test_every_oracle_searches_the_table(table, name):
  options = QUICK.get(name, {"num_initial_points": 5} if name == "bayesian" else {})
  oracle = benchmark.make_oracle(name, options, seed=0, max_trials=6)
  steps = benchmark.steps(oracle, table, 6)
  assert len(steps) == 6 and all(0 <= row < 4032 and seconds > 0 for row, seconds in steps)
  assert [trial.score for trial in oracle.trials.values()] == [table.valid[row] for row, _ in steps]


def test_an_oracle_that_stops_ends_the_search(table):
  class Once(keras_tuner.oracles.RandomSearchOracle):
    def populate_space(self, trial_id):
      return {"status": "STOPPED", "values": None} if self.start_order else super().populate_space(trial_id)

  oracle = Once(objective=keras_tuner.Objective(benchmark.OBJECTIVE, "max"), hyperparameters=benchmark.declared())
  assert len(benchmark.steps(oracle, table, 10)) == 1


def test_an_unknown_oracle_is_refused(table):
  with pytest.raises(ValueError, match="unknown oracle 'magic'"):
    benchmark.make_runs({"magic": {}}, [0], table, num_trials=1, table_directory="", directory="")


def test_the_overhead_is_that_of_the_trials_after(table):
  measured = benchmark.overhead("random", {}, table, 10, num_timed=5)
  assert measured["num_timed"] == 5 and 0 < measured["mean"] <= measured["max"] < 1


def test_a_benchmark_leaves_curves_a_summary_and_a_plot_and_is_resumed(tmp_path, directory, capsys):
  binary.main(flag_values(tmp_path, directory, "--overhead_at=5", "--num_timed=2"))
  with open(tmp_path / "curves.csv") as file:
    rows = list(csv.DictReader(file))
  assert len(rows) == 2 * 2 * 12 and {row["strategy"] for row in rows} == {"random", "evolution"}
  summary = json.loads((tmp_path / "summary.json").read_text())
  assert summary["best_objective"] == 55 and set(summary["oracles"]["random"]["checkpoints"]) == {"10", "12"}
  assert (tmp_path / "curves.png").stat().st_size > 1000
  assert set(json.loads((tmp_path / "overhead.json").read_text())) == {"random, 5 trials", "evolution, 5 trials"}
  before = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").iterdir()}
  capsys.readouterr()
  binary.main(flag_values(tmp_path, directory, "--num_seeds=3"))
  assert "(3 seeds)" in capsys.readouterr().out
  assert len(before) == 4 and all(path.stat().st_mtime_ns == time for path, time in before.items())
  assert len(list((tmp_path / "runs").iterdir())) == 6
