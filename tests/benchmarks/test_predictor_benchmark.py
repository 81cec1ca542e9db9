import dataclasses
import json

import numpy as np
import pytest
from absl import flags

from nao_tf.benchmarks.predictor_benchmark import PredictorBenchmark, PredictorScores
from nao_tf.controller.config import ControllerConfig
from nao_tf.tables import read_table
from nao_tf.tools import benchmark_predictor as binary
from tests.support import toy_tables

CONFIG = ControllerConfig(encoder_size=16, token_size=8, decoder_token_size=8, mlp_size=16, num_steps=150)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
  path = tmp_path_factory.mktemp("table") / "nasbench201.npz"
  return read_table(toy_tables.write_table(path, toy_tables.nasbench201_arrays()))


@pytest.fixture(scope="module")
def benchmark(table):
  return PredictorBenchmark(table, CONFIG, ensemble_size=2)


def test_a_controller_orders_cells_that_it_has_not_seen(benchmark):
  fitted = benchmark.run(60, num_test=100, seed=1)
  assert 0.4 < fitted.kendall_tau <= fitted.kendall_tau_of_mean + 0.1 < 1.1
  assert 0.7 < fitted.pairwise_accuracy <= 1
  assert 0 <= fitted.hamming < 6


def test_the_seed_determines_the_figures(benchmark):
  assert (
    benchmark.run(30, num_test=50, seed=3)
    == benchmark.run(30, num_test=50, seed=3)
    != benchmark.run(30, num_test=50, seed=4)
  )


def test_nothing_that_computes_the_same_as_a_known_cell_is_measured(benchmark, table):
  known, unseen = benchmark._split(200, 1000, np.random.default_rng(0))
  functions = [{table.space.function_key(table.architecture_of(row)) for row in rows} for rows in (known, unseen)]
  assert len(known) == 200 and len(unseen) == 1000 and not functions[0] & functions[1]


def test_too_few_rows_are_refused(benchmark):
  with pytest.raises(ValueError, match="15625 rows are too few to train on 15625"):
    benchmark.run(15_625)


def test_the_binary_prints_and_writes_the_figures(table, tmp_path, capsys):
  values, path = flags.FlagValues(), str(tmp_path / "figures.json")
  binary.define_flags(values)
  values(["program", f"--table={table.path}", "--num_train=10", "--num_test=20", "--num_seeds=2", f"--output={path}"])
  binary.main(values)
  assert "kendall_tau_of_mean" in capsys.readouterr().out
  with open(path) as file:
    results = json.load(file)["results"]
  assert len(results) == 2 and set(results[0]) == {field.name for field in dataclasses.fields(PredictorScores)}
