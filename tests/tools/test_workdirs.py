"""A command that fails before anything was done leaves no directory behind."""

import pytest

from nao_tf.runs.journal import Journal
from nao_tf.runs.starts import record_start
from nao_tf.tools import workdirs
from nao_tf.trial import Evaluation, Trial


def fail_in(directory, work=lambda: None):
  with pytest.raises(ValueError, match="wrong"), workdirs.opened(str(directory)):
    work()
    raise ValueError("wrong")


def test_a_directory_that_was_new_is_removed_with_those_above_it(tmp_path):
  fail_in(tmp_path / "runs" / "first", lambda: Journal(str(tmp_path / "runs" / "first"), {}).close())
  assert list(tmp_path.iterdir()) == []


def test_an_empty_directory_is_empty_again(tmp_path):
  fail_in(tmp_path, lambda: Journal(str(tmp_path), {}).close())
  assert list(tmp_path.iterdir()) == []


def test_a_directory_that_was_there_stays(tmp_path):
  fail_in(tmp_path)
  (tmp_path / "runs").mkdir()
  fail_in(tmp_path / "runs" / "first")
  assert [path.name for path in tmp_path.iterdir()] == ["runs"]


def test_a_start_is_no_work(tmp_path):
  fail_in(tmp_path / "run", lambda: record_start(str(tmp_path / "run")))
  assert list(tmp_path.iterdir()) == []


def one_trial(directory):
  with Journal(directory, {}) as journal:
    journal.append_asked([Trial(0, (0,))])
    journal.append_closed(Trial(0, (0,)).close(Evaluation(None)))


def test_work_is_kept(tmp_path):
  fail_in(tmp_path / "search", lambda: one_trial(str(tmp_path / "search")))
  fail_in(tmp_path / "mine", lambda: (tmp_path / "mine" / "notes.txt").write_text("mine"))
  assert {path.name for path in tmp_path.iterdir()} == {"search", "mine"}


def test_what_cannot_be_made_is_explained(tmp_path):
  (tmp_path / "file").write_text("")
  with pytest.raises(OSError, match="file"), workdirs.opened(str(tmp_path / "file" / "run")):
    pass


def test_the_commands_to_watch_a_run_can_be_pasted(capsys):
  workdirs.announce("runs/a b", tensorboard=True)
  first, second = capsys.readouterr().out.splitlines()
  assert first == "work directory: runs/a b (progress: nao-status --workdir='runs/a b')"
  assert second == "learning curves: tensorboard --logdir='runs/a b'"
