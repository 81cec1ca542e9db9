import json

import numpy as np
import pytest

from nao_tf.benchmarks import rung_benchmark as benchmark
from nao_tf.tools import benchmark_rungs
from tests.support.command_line import parse, run
from tests.support.toy_tables import nasbench201_arrays, write_table

PROMOTIONS = ",".join(benchmark.CHOICES)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
  return write_table(tmp_path_factory.mktemp("table") / "t.npz", nasbench201_arrays())


def argv(table, workdir, *more):
  fixed = [f"--table={table}", f"--workdir={workdir}", "--rungs=12,200", "--reduction=2", "--max_epochs=1000"]
  return [*fixed, "--strategies=random", "--num_seeds=2", "--num_processes=1", *more]


@pytest.fixture(scope="module")
def finished(table, tmp_path_factory):
  workdir = tmp_path_factory.mktemp("run")
  run(benchmark_rungs, *argv(table, workdir))
  return workdir


def test_all_kinds_are_compared_by_the_epochs_of_all_children(table, finished):
  runs = benchmark_rungs.runs_of(parse(benchmark_rungs, *argv(table, finished)))
  assert len(runs) == 8 and {run.promotion for run in runs} == set(benchmark.CHOICES)
  best = nasbench201_arrays()["cifar10_val200"].max()
  for one in runs:
    curve = benchmark.read_curve(one)
    assert all(200 <= point.epochs <= 1000 and point.reward <= best for point in curve)
    assert [point.reward for point in curve] == sorted(point.reward for point in curve)
    assert all(point.test == pytest.approx(point.reward + 1, abs=1e-4) for point in curve)
    whole = one.promotion == benchmark.WHOLE
    assert not whole or all(point.epochs % 200 == 0 for point in curve)
    data = json.loads(open(one.path).read())
    assert data["num_trials"] == 5 if whole else data["num_trials"] > 5
  summary = json.loads((finished / "summary.json").read_text())
  assert [row["epochs"] for row in summary["rows"][:3]] == [250, 500, 1000]
  assert summary["best_objective"] == pytest.approx(best)
  assert (finished / "curves.csv").read_text().startswith("strategy,promotion,seed,epochs,reward,test")


def test_finished_searches_are_not_run_again_and_other_settings_are_refused(table, finished):
  runs = benchmark_rungs.runs_of(parse(benchmark_rungs, *argv(table, finished)))
  count = []
  curves = benchmark.run_rung_benchmark(runs, num_processes=1, on_run=lambda: count.append(1))
  assert len(count) == len(curves) == len(runs)
  others = benchmark_rungs.runs_of(parse(benchmark_rungs, *argv(table, finished, "--reduction=3")))
  with pytest.raises(ValueError, match="made with other settings: reduction"):
    benchmark.run_rung_benchmark(others, num_processes=1)


@pytest.mark.parametrize(
  ("flag", "message"),
  [
    ("--promotions=sometimes", "none, asynchronous, halving, hyperband"),
    ("--rungs=12", "--rungs must be two or more"),
    ("--rungs=4,200", "expected rungs among 12, 200 epochs"),
  ],
)
def test_wrong_flags_are_refused_before_any_search(table, tmp_path, flag, message):
  with pytest.raises(ValueError, match=message):
    run(benchmark_rungs, *argv(table, tmp_path, flag))
  assert not list(tmp_path.iterdir())


def test_the_best_at_a_budget_is_the_last_one_until_then():
  curve = [benchmark.Point(200, 1.0, 2.0), benchmark.Point(500, 3.0, 4.0)]
  assert benchmark.at_budget(curve, 199) is None
  assert benchmark.at_budget(curve, 499).reward == 1.0
  assert benchmark.at_budget(curve, np.inf).reward == 3.0
