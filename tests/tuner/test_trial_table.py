"""What a tuner prints about its trials."""

import keras_tuner
import pytest
from keras_tuner.engine.trial import TrialStatus

from nao_tf.spaces import make_space
from nao_tf.tuner.cell_space import CellSpace
from nao_tf.tuner.oracle import StrategyOracle
from nao_tf.tuner.trial_table import TrialTable, duration, values_in_words


def make_oracle(tmp_path, make_space=None, **options):
  hp = keras_tuner.HyperParameters()
  if make_space is None:
    hp.Int("units", 8, 64, 8)
    hp.Float("rate", 1e-4, 1e-1, sampling="log")
  else:
    make_space(hp).declare(hp)
  spaces = {} if make_space is None else {"make_space": make_space}
  objective = keras_tuner.Objective("val_accuracy", "max")
  oracle = StrategyOracle("random", objective, 4, 0, hyperparameters=hp, **spaces, **options)
  oracle._set_project_dir(str(tmp_path), "project")
  return oracle


def run_trial(oracle, score):
  trial = oracle.create_trial("tuner0")
  if score is None:
    trial.status, trial.message = TrialStatus.FAILED, "Traceback\n  ...\nValueError: too large\n"
  else:
    oracle.update_trial(trial.trial_id, {"val_accuracy": score})
    trial.status = TrialStatus.COMPLETED
  oracle.end_trial(trial)


@pytest.fixture
def ended(tmp_path, capsys):
  """Three of four trials, each of which took ten seconds."""
  oracle, now = make_oracle(tmp_path), [0.0]
  oracle.table._clock = lambda: now[0]
  for score in (0.5, 0.75, None):
    begin = oracle.table.on_trial_begin
    oracle.table.on_trial_begin = lambda trial, begin=begin: (begin(trial), now.__setitem__(0, now[0] + 10))
    run_trial(oracle, score)
    oracle.table.on_trial_begin = begin
  return oracle, capsys.readouterr().out.splitlines()


def test_a_trial_begins_with_its_values_and_ends_with_the_best_so_far_and_the_time_left(ended):
  _, lines = ended
  assert lines[0].startswith("trial 0 (1 of 4): units=") and ", rate=0.0" in lines[0] and len(lines) == 6
  assert lines[1] == "trial 0: val_accuracy 0.5 in 10 s, best 0.5 (trial 0), about 30 s left"
  assert lines[3] == "trial 1: val_accuracy 0.75 in 10 s, best 0.75 (trial 1), about 20 s left"
  assert lines[5] == ("trial 2: failed (ValueError: too large) in 10 s, best 0.75 (trial 1), 1 failed, about 10 s left")


def test_the_best_trials_are_a_table(ended):
  oracle, _ = ended
  title, first, second = oracle.table.rows(5)
  assert title.split() == ["trial", "val_accuracy", "values"]
  assert first.split()[:3] == ["1", "1", "0.75"] and second.split()[:3] == ["2", "0", "0.5"]
  assert title.index("values") == first.index("units=") == second.index("units=")


def test_nothing_is_printed_if_that_is_not_wanted(tmp_path, capsys):
  oracle = make_oracle(tmp_path)
  oracle.verbose = 0
  run_trial(oracle, 0.5)
  assert capsys.readouterr().out == ""


def test_a_cell_is_written_as_its_space_writes_it(tmp_path, capsys):
  cells = make_space("nasbench201")
  oracle = make_oracle(tmp_path, lambda hp, **_: CellSpace(cells))
  run_trial(oracle, 0.5)
  text = capsys.readouterr().out.splitlines()[0].partition(": ")[2]
  assert cells.format(cells.parse(text)) == text


def test_the_state_of_a_project_has_the_times_that_keras_tuner_reads(tmp_path):
  oracle = make_oracle(tmp_path)
  run_trial(oracle, 0.5)
  oracle.save()
  again = make_oracle(tmp_path)
  again.reload()
  run_trial(again, 0.25)
  assert isinstance(again._display, TrialTable) and len(again.end_order) == 2


def test_times_and_values_are_in_words():
  assert [duration(seconds) for seconds in (0.25, 42, 185, 7800)] == ["0.25 s", "42 s", "3 min 5 s", "2 h 10 min"]
  assert values_in_words({"units": 8, "rate": 0.1 + 0.2, "kind": "a"}) == "units=8, rate=0.3, kind=a"
  assert values_in_words({}) == "the default configuration"
