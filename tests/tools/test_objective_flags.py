"""Searches for several objectives from the command line: what is refused, and what is left in the end."""

import json
import os

import numpy as np
import pytest
from absl import flags

from nao_tf.runs.journal import read_trials
from nao_tf.serving.image_export import load_exported
from nao_tf.tools import search, status
from tests.support import command_line, toy_tables
from tests.tools.test_tools import TWO_TRIALS, run

BOTH = "--objectives=accuracy,parameters"


@pytest.fixture(scope="module")
def table(tmp_path_factory):
  return toy_tables.write_table(tmp_path_factory.mktemp("tables") / "t.npz", toy_tables.nasbench201_arrays())


def on_table(table, workdir, *argv):
  flags_ = (
    "--space=nasbench201",
    "--evaluator=tabular",
    f"--table={table}",
    "--strategy=random",
    f"--workdir={workdir}",
  )
  return run(search, *flags_, *argv)


def best_of(workdir):
  with open(os.path.join(workdir, "best.json"), encoding="utf-8") as file:
    return json.load(file)


def test_a_search_on_a_table_prints_and_writes_its_pareto_set(table, tmp_path, capsys):
  assert on_table(table, tmp_path, "--num_trials=12", BOTH) == 0
  printed, best = capsys.readouterr().out, best_of(tmp_path)
  rows = [(row["objectives"]["accuracy"], row["objectives"]["parameters"]) for row in best["pareto_set"]]
  assert f"Pareto set: {len(rows)} trials that no other trial dominates" in printed
  assert rows == sorted(rows, reverse=True)
  assert best["trial"] == best["pareto_set"][0]["trial"] and best["reward"] == rows[0][0]
  assert run(status, f"--workdir={tmp_path}", "--json") == 0
  assert [row["trial"] for row in json.loads(capsys.readouterr().out)["pareto_set"]] == [
    row["trial"] for row in best["pareto_set"]
  ]


def test_a_search_for_the_reward_has_the_files_that_it_had(table, tmp_path, capsys):
  assert on_table(table, tmp_path, "--num_trials=3") == 0
  assert not {"objectives", "pareto_set"} & set(best_of(tmp_path)) and "Pareto" not in capsys.readouterr().out
  assert "objectives" not in (tmp_path / "trials.jsonl").read_text() + (tmp_path / "config.json").read_text()
  assert run(status, f"--workdir={tmp_path}", "--json") == 0
  assert "pareto_set" not in json.loads(capsys.readouterr().out)


def test_each_network_of_the_pareto_set_is_trained_and_exported(tmp_path, capsys):
  workdir, target = tmp_path / "run", tmp_path / "front"
  argv = [
    f"--workdir={workdir}",
    "--space=autokeras",
    *TWO_TRIALS,
    "--objectives=accuracy,latency",
    "--latency_batch_size=2",
  ]
  assert run(search, *argv, f"--export_pareto={target}") == 0
  rows, front = json.loads((target / "pareto.json").read_text()), best_of(workdir)["pareto_set"]
  assert [row["directory"] for row in rows] == [f"trial_{member['trial']}" for member in front]
  assert all(row["objectives"]["latency"] > 0 and 0 <= row["test"]["accuracy"] <= 1 for row in rows)
  exported = load_exported(str(target / rows[0]["directory"] / "saved_model"))
  assert exported(np.zeros((1, 8, 8, 1), np.uint8))["probabilities"].shape == (1, 10)


@pytest.mark.parametrize(
  ("argv", "words"),
  [
    (["--objectives=acuracy,parameters"], "unknown objective 'acuracy'.*did you mean accuracy"),
    (["--objectives=accuracy"], "two or more different objectives"),
  ],
)
def test_a_wrong_name_is_refused_where_it_is_given(argv, words):
  values = flags.FlagValues()
  search.define_flags(values)
  with pytest.raises(flags.IllegalFlagValueError, match=words):
    values(["search", "--workdir=unused", *argv])


@pytest.mark.parametrize(
  ("argv", "words"),
  [
    ([BOTH, "--strategy=pnas"], "the strategy pnas optimizes one reward"),
    (
      ["--objectives=accuracy,perplexity"],
      "objective perplexity: networks for images are measured in accuracy and loss",
    ),
    (["--objectives=loss,accuracy", "--task=ptb"], "objective accuracy: networks for text are measured in loss"),
    ([BOTH, "--strategy=nao", "--proxies=parameters"], "--proxies .*cannot be combined with --objectives"),
    ([BOTH, "--evaluator=shared_weights", "--rerank=2"], "--rerank .*cannot be combined with --objectives"),
    (
      ["--objectives=accuracy,latency", "--evaluator=shared_weights"],
      "latency: it is measured by the evaluator training",
    ),
    (["--export_pareto=front"], "--export_pareto needs --objectives"),
  ],
)
def test_what_does_not_fit_is_refused_before_any_work(argv, words, tmp_path):
  with pytest.raises(ValueError, match=words):
    run(search, f"--workdir={tmp_path / 'run'}", *argv)
  assert not (tmp_path / "run").exists()


def test_networks_are_not_exported_into_a_file(tmp_path):
  (tmp_path / "front").write_text("precious")
  with pytest.raises(NotADirectoryError, match="--export_pareto must be a directory"):
    run(search, f"--workdir={tmp_path / 'run'}", BOTH, "--strategy=random", f"--export_pareto={tmp_path / 'front'}")
  assert not (tmp_path / "run").exists()


def test_what_a_table_lacks_is_refused(table, tmp_path):
  with pytest.raises(
    ValueError, match="objective 'multiply_adds': the networks of the table have reward, accuracy, param"
  ):
    on_table(table, tmp_path, "--objectives=accuracy,multiply_adds")


def test_an_objective_that_an_evaluator_of_ones_own_does_not_measure_ends_the_search(tmp_path):
  own = ["--space=tests.support.outside:Bits", "--evaluator=tests.support.outside:Counting", "--strategy=random"]
  with pytest.raises(ValueError, match="--objectives: the evaluator has no metric energy; it has none"):
    command_line.run(search, *own, "--objectives=reward,energy:min", f"--workdir={tmp_path}")
  assert [trial.reward for trial in read_trials(str(tmp_path)) if trial.evaluation] == [None]
