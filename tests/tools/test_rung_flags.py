import json
import os

import pytest
from absl import flags

from nao_tf.runs.journal import read_trials
from nao_tf.searches.rungs import RungConfig
from nao_tf.tools import flag_groups, rung_flags, search, search_flags, status
from tests.support.command_line import parse, run
from tests.support.toy_tables import nasbench201_arrays, write_table

REQUIRED = "--workdir=w"


def parsed(*argv):
  return parse(search, REQUIRED, *argv)


def test_the_flags_make_the_rungs_and_children_train_to_the_last_one():
  values = parsed("--rungs=1,3,9", "--reduction=4", "--promotion=halving", "--max_epochs=50")
  rung_flags.check(values)
  assert rung_flags.config(values) == RungConfig((1, 3, 9), 4, "halving", 50)
  assert search_flags.children(values).training_config.epochs == 9
  assert rung_flags.settings(values) == {"rungs": [1, 3, 9], "reduction": 4, "promotion": "halving"}


def test_without_rungs_nothing_changes():
  values = parsed("--child_epochs=7")
  rung_flags.check(values)
  assert rung_flags.config(values) is None and rung_flags.settings(values) == {}
  assert search_flags.children(values).training_config.epochs == 7


@pytest.mark.parametrize(
  ("argv", "message"),
  [
    (["--rungs=3,1"], "--rungs must be two or more ascending numbers of epochs"),
    (["--rungs=3,9", "--max_epochs=2"], "--max_epochs must be at least 3"),
    (
      ["--rungs=1,3", "--evaluator=shared_weights"],
      "--rungs needs --evaluator=training or tabular, got shared_weights",
    ),
    (
      ["--rungs=1,3", "--child_epochs=5"],
      "the last of --rungs is the length of a full training, 3 epochs, but --child_epochs is 5",
    ),
  ],
)
def test_flags_that_do_not_fit_together_are_refused(argv, message):
  with pytest.raises(ValueError, match=message):
    rung_flags.check(parsed(*argv))


def test_a_flag_of_rungs_means_nothing_without_them():
  line = ["nao-search", REQUIRED, "--reduction=4"]
  with pytest.raises(flags.Error, match="--reduction has no effect here: it needs --rungs"):
    flag_groups.check(parsed("--reduction=4"), line)


def test_a_search_on_a_table_with_two_budgets(tmp_path):
  table, workdir = write_table(tmp_path / "t.npz", nasbench201_arrays()), str(tmp_path / "run")
  argv = [f"--workdir={workdir}", "--space=nasbench201", "--evaluator=tabular", f"--table={table}"]
  argv += ["--strategy=evolution", "--rungs=12,200", "--num_trials=20", "--max_epochs=1000", "--tensorboard=none"]
  assert run(search, *argv) == 0
  trials = read_trials(workdir)
  total = sum((12, 200)[trial.rung] for trial in trials)
  assert 600 < total <= 1000 and len(trials) == 20
  with open(os.path.join(workdir, "best.json"), encoding="utf-8") as file:
    best = json.load(file)
  assert best["reward"] == max(trial.reward for trial in trials if trial.rung == 1)
  with open(os.path.join(workdir, "config.json"), encoding="utf-8") as file:
    assert json.load(file)["rungs"] == [12, 200]


def test_a_search_that_uses_up_its_epochs_says_so_and_is_finished(tmp_path, capsys):
  table, workdir = write_table(tmp_path / "t.npz", nasbench201_arrays()), str(tmp_path / "run")
  argv = [f"--workdir={workdir}", "--space=nasbench201", "--evaluator=tabular", f"--table={table}"]
  argv += ["--strategy=evolution", "--rungs=12,200", "--num_trials=20", "--max_epochs=60", "--tensorboard=none"]
  assert run(search, *argv) == 0
  assert "the search ended because --max_epochs=60 leaves no epochs for another training" in capsys.readouterr().out
  assert run(status, f"--workdir={workdir}") == 0
  assert "finished" in capsys.readouterr().out and len(read_trials(workdir)) == 5
