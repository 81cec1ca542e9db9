"""Benchmarks for several objectives: the curves end at 1 when the true front is found, and never fall."""

import csv
import json

import numpy as np
import pytest
from absl import flags

from nao_tf.benchmarks import strategy_benchmark as benchmark
from nao_tf.benchmarks.hypervolume_curves import TableFront, by_label, summarize
from nao_tf.tables import read_table
from nao_tf.tools import benchmark_strategies as binary
from tests.support.toy_tables import nasbench201_arrays, write_table

NAMES = ("accuracy", "parameters")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
  return write_table(tmp_path_factory.mktemp("tables") / "t.npz", nasbench201_arrays())


@pytest.fixture(scope="module")
def front(path):
  table = read_table(path)
  return TableFront.of(table, benchmark.objectives_in(table, NAMES), "val200")


def record(rows, objectives=None, num_trials=None, **settings):
  objectives = [1.0] * len(rows) if objectives is None else objectives
  shared = {"strategy": "random", "seed": 0, "num_trials": num_trials or len(rows), **settings}
  return benchmark.Record(shared, 1.0, objectives, [None] * len(rows), rows)


def rows_of_front(front):
  return [int(np.flatnonzero((front.points == point).all(axis=1))[0]) for point in front.front]


def test_the_true_front_has_the_hypervolume_1(front):
  rows = rows_of_front(front)
  curve = front.curve(record(rows, num_trials=len(rows) + 2))
  assert curve[-3:] == pytest.approx([1, 1, 1]) and (np.diff(curve) >= 0).all() and len(curve) == len(rows) + 2
  assert (front.reference < front.front).all()


def test_a_failed_query_adds_nothing(front):
  row = rows_of_front(front)[0]
  assert front.curve(record([row, row], [None, 1.0]))[0] == 0 < front.curve(record([row, row], [None, 1.0]))[1]


def test_samplers_of_optuna_are_told_apart(front):
  sampler = {"options.config.sampler": "NSGAIISampler", "strategy": "optuna"}
  found = by_label([record([0, 1]), record([0, 1], **sampler), record([2, 3])], front)
  assert {label: len(curves) for label, curves in found.items()} == {"random": 2, "optuna, NSGAIISampler": 1}
  assert list(summarize(found)["random"]["checkpoints"]) == ["2"]


def values_of(path, workdir, *argv):
  values = flags.FlagValues()
  binary.define_flags(values)
  small = ("--strategies=evolution,random", "--num_seeds=2", "--num_trials=8", "--num_processes=1", "--batch_size=4")
  values(["b", "--space=nasbench201", f"--table={path}", f"--workdir={workdir}", *small, *argv])
  return values


def test_a_benchmark_writes_curves_of_the_hypervolume_and_goes_on(path, tmp_path, capsys):
  binary.main(values_of(path, tmp_path, "--objectives=accuracy,parameters"))
  first = capsys.readouterr().out
  assert "random" in first and "(2 seeds)" in first and (tmp_path / "curves.png").exists()
  with open(tmp_path / "curves.csv", newline="", encoding="utf-8") as file:
    rows = list(csv.DictReader(file))
  assert len(rows) == 2 * 2 * 8 and rows[0].keys() == {"strategy", "seed", "query", "hypervolume"}
  summary = json.loads((tmp_path / "summary.json").read_text())
  assert summary["objectives"] == list(NAMES) and len(summary["reference"]) == 2
  binary.main(values_of(path, tmp_path, "--objectives=accuracy,parameters"))
  assert capsys.readouterr().out == first
  with pytest.raises(ValueError, match="objectives"):
    binary.main(values_of(path, tmp_path))


def test_a_strategy_that_cannot_is_refused_before_any_search(path, tmp_path):
  with pytest.raises(ValueError, match="local_search optimizes one reward"):
    binary.main(values_of(path, tmp_path / "b", "--objectives=accuracy,parameters", "--strategies=random,local_search"))
  assert not (tmp_path / "b").exists()
