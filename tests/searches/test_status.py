"""The status of searches and trainings, read from their directories."""

import contextlib
import json
import os
import socket

import pytest

from nao_tf.runs.attempts import Attempts
from nao_tf.runs.journal import Journal
from nao_tf.runs.json_files import write_json
from nao_tf.runs.settings import RunDirectoryError
from nao_tf.searches.status import status_of
from nao_tf.trial import Evaluation, Trial


@pytest.fixture
def begun(tmp_path):
  """A search that is running: one trial has a reward, one failed, one is being evaluated, one waits."""
  trials = [Trial(number, (number,)) for number in range(4)]
  with Journal(str(tmp_path), {"space": "mine"}) as journal:
    journal.append_asked(trials)
    journal.append_closed(trials[0].close(Evaluation(0.5, cost_seconds=10.0)))
    journal.append_closed(trials[1].close(Evaluation(None, cost_seconds=20.0, metrics={"reason": "no"})))
    attempts = Attempts(str(tmp_path), {2, 3})
    attempts.begin(2)
    yield str(tmp_path)
    attempts.close()


def test_a_running_search(begun):
  before = {entry.name: entry.stat().st_mtime_ns for entry in os.scandir(begun)}
  status = status_of(begun, num_trials=6)
  assert (status.kind, status.done, status.total, status.running, status.failed) == ("search", 2, 6, 1, 1)
  assert (status.seconds, status.seconds_left) == (15.0, 60.0)
  assert status.best == {"trial": 0, "reward": 0.5, "architecture": [0]}
  assert status.process == f"process {os.getpid()} on {socket.gethostname()}"
  assert {entry.name: entry.stat().st_mtime_ns for entry in os.scandir(begun)} == before


def test_two_at_a_time_take_half_the_time(begun):
  with contextlib.closing(Attempts(begun, {2, 3})) as attempts:
    attempts.begin(3)
  status = status_of(begun, num_trials=6)
  assert (status.running, status.seconds, status.seconds_left) == (2, 15.0, 30.0)
  assert "15 s per trial, 480 per hour" in str(status)


def test_it_is_told_in_words_and_as_json(begun):
  status = status_of(begun, num_trials=6)
  assert json.loads(status.to_json())["seconds_left"] == 60.0
  text = str(status)
  assert "2 of 6 trials, 1 failed" in text and "15 s per trial, 240 per hour" in text and "about 1 min 0 s" in text
  assert "trial 0, reward 0.5" in text and "running: process" in text


def test_a_one_shot_search_has_its_epochs_and_what_it_draws(tmp_path):
  """It draws less than it should in a small space, and is over when it has named its winner."""
  settings = {"strategy": "enas", "shared_training.epochs": 2, "options.final_count": 3}
  with Journal(str(tmp_path), settings) as journal:
    for number in range(4):
      trial = Trial(number, (number,))
      journal.append_asked([trial])
      journal.append_closed(trial.close(Evaluation(0.5)))
  write_json(str(tmp_path / "lock.json"), {})
  assert (status_of(str(tmp_path)).done, status_of(str(tmp_path)).total) == (4, 5)
  assert "not running" in str(status_of(str(tmp_path)))
  write_json(str(tmp_path / "best.json"), {})
  assert "4 of 4 trials" in str(status_of(str(tmp_path))) and "finished" in str(status_of(str(tmp_path)))


def test_a_search_is_finished_when_its_finalists_are(tmp_path):
  scored = [Trial(number, (number,)) for number in range(2)]
  with Journal(str(tmp_path), {"space": "mine"}) as journal:
    journal.append_asked(scored)
    for trial in scored:
      journal.append_closed(trial.close(Evaluation(0.5)))
  write_json(str(tmp_path / "lock.json"), {})
  assert status_of(str(tmp_path), num_trials=2).is_finished
  status = status_of(str(tmp_path), num_trials=2, num_finalists=5)
  assert (status.reranked, status.to_rerank) == (0, 2) and "not running" in str(status) and "0 of 2" in str(status)
  with Journal(str(tmp_path / "rerank"), {}) as finals:
    finals.append_asked(scored)
    finals.append_closed(scored[0].close(Evaluation(0.75)))
    assert (status_of(str(tmp_path)).reranked, status_of(str(tmp_path)).to_rerank) == (1, 2)
    assert not status_of(str(tmp_path), num_trials=2, num_finalists=5).is_finished
    finals.append_closed(scored[1].close(Evaluation(None)))
  status = status_of(str(tmp_path), num_trials=2, num_finalists=5)
  assert status.is_finished and "finished" in str(status) and "2 of 2" in str(status)


def test_a_search_in_rungs_is_finished_when_its_epochs_are_used_up(tmp_path):
  settings = {"space": "mine", "rungs": [2, 5], "reduction": 2, "promotion": "asynchronous"}
  with Journal(str(tmp_path), settings) as journal:
    for number in range(3):
      trial = Trial(number, (number,))
      journal.append_asked([trial])
      journal.append_closed(trial.close(Evaluation(number / 10, cost_seconds=1.0)))
    promoted = trial.close(Evaluation(0.2)).promote()
    journal.append_promoted(promoted)
    assert not status_of(str(tmp_path), num_trials=9, max_epochs=10).is_finished  # The promoted trial is open.
    journal.append_closed(promoted.close(Evaluation(0.3, cost_seconds=1.0, rung=1)))
  write_json(str(tmp_path / "lock.json"), {})
  assert not status_of(str(tmp_path), num_trials=9, max_epochs=11).is_finished  # 9 epochs, and 2 for a new trial.
  assert not status_of(str(tmp_path), num_trials=9).is_finished
  status = status_of(str(tmp_path), num_trials=9, max_epochs=10)
  assert status.is_finished and status.seconds_left == 0 and "3 of 3 trials" in str(status)


def test_a_search_whose_process_was_killed_is_not_running(begun):
  write_json(os.path.join(begun, "lock.json"), {"process": 2**22 + 1, "host": socket.gethostname(), "command": "x"})
  status = status_of(begun)
  assert status.process is None and status.running == 0 and "not running" in str(status)
  assert status.total is None and status.seconds_left is None


def test_a_process_of_another_host_is_believed(begun):
  write_json(os.path.join(begun, "lock.json"), {"process": 1, "host": "elsewhere", "command": "x"})
  assert status_of(begun).process == "process 1 on elsewhere"


def test_a_training(tmp_path):
  write_json(str(tmp_path / "config.json"), {"genotype": {}, "training.epochs": 4})
  assert status_of(str(tmp_path)).done == 0
  rows = [{"epoch": epoch, "accuracy": 0.5, "seconds": 2.0} for epoch in (1, 2)]
  (tmp_path / "history.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
  status = status_of(str(tmp_path))
  assert (status.kind, status.done, status.total, status.seconds_left) == ("training", 2, 4, 4.0)
  assert "epoch 2, accuracy 0.5" in str(status)


@pytest.mark.parametrize("history", ["[]\n", '{"epoch": 1, "seconds": []}\n'])
def test_what_is_no_run_is_refused(tmp_path, history):
  with pytest.raises(RunDirectoryError, match=r"no config\.json here"):
    status_of(str(tmp_path))
  write_json(str(tmp_path / "config.json"), {"space": "mine"})
  with pytest.raises(RunDirectoryError, match="no trial was begun here"):
    status_of(str(tmp_path))
  write_json(str(tmp_path / "config.json"), {"genotype": {}, "training.epochs": 4})
  (tmp_path / "history.jsonl").write_text(history)
  with pytest.raises(RunDirectoryError, match=r"history\.jsonl"):
    status_of(str(tmp_path))
