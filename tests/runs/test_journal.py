import json
import math
import os
import pathlib

import pytest

from nao_tf.runs.journal import Journal, JournalError, read_search, read_trials
from nao_tf.runs.run_lock import RunDirectoryInUse
from nao_tf.runs.settings import RunDirectoryError, read_settings
from nao_tf.trial import RANDOM, Evaluation, Origin, Trial

SETTINGS = {"space": "nasnet5", "seed": 1}
ASKED = [Trial(0, (1, 2), RANDOM), Trial(1, (3, 4), Origin("mutation", (0,)))]
CLOSED = ASKED[0].close(Evaluation(0.25, 1.5, {"parameters": 3}))


@pytest.fixture
def directory(tmp_path):
  with Journal(str(tmp_path / "run"), SETTINGS) as journal:
    journal.append_asked(ASKED)
    journal.append_closed(CLOSED)
  return str(tmp_path / "run")


def test_what_was_appended_is_there_when_it_is_opened_again(directory):
  with Journal(directory, SETTINGS) as journal:
    assert journal.entries == [ASKED, CLOSED]
    assert journal.trials == [CLOSED, ASKED[1]]


def test_reading_needs_no_settings_and_changes_nothing(directory):
  with Journal(directory, SETTINGS):
    assert read_trials(directory) == [CLOSED, ASKED[1]]


def test_cut_at_any_byte_the_journal_opens_with_its_whole_lines(directory):
  path = os.path.join(directory, "trials.jsonl")
  with open(path, "rb") as file:
    data = file.read()
  for length in range(len(data) + 1):
    with open(path, "wb") as file:
      file.write(data[:length])
    assert len(read_trials(directory)) == (2 if data[:length].count(b"\n") else 0)
    with Journal(directory, SETTINGS) as journal:
      assert len(journal.entries) == data[:length].count(b"\n")


def test_a_torn_line_is_dropped_and_writing_goes_on(directory):
  with open(os.path.join(directory, "trials.jsonl"), "ab") as file:
    file.write(b'{"closed": 1, "rew')
  with Journal(directory, SETTINGS) as journal:
    journal.append_closed(ASKED[1].close(Evaluation.failed("no")))
  assert [trial.evaluation is not None for trial in read_trials(directory)] == [True, True]


@pytest.mark.parametrize(
  "line",
  [
    b"nonsense\n",
    b"[]\n",
    b'{"asked": 3}\n',
    b'{"asked": [{"id": 0, "architecture": [1], "origin": {"kind": "random"}}]}\n',
    b'{"asked": [{"id": 2, "architecture": [1.5], "origin": {"kind": "random"}}]}\n',
    b'{"asked": [], "settings": 3}\n',
    b'{"closed": 7, "reward": 1, "cost_seconds": 0, "metrics": {}}\n',
    b'{"closed": 0, "reward": 1, "cost_seconds": 0, "metrics": {}}\n',
    b'{"closed": true, "reward": 1, "cost_seconds": 0, "metrics": {}}\n',
    b'{"closed": 1, "reward": 1e999, "cost_seconds": 0, "metrics": {}}\n',
  ],
)
def test_a_corrupt_line_is_an_error_that_names_it(directory, line):
  with open(os.path.join(directory, "trials.jsonl"), "ab") as file:
    file.write(line)
  with pytest.raises(JournalError, match="line 3"):
    Journal(directory, SETTINGS)


def test_other_settings_are_refused_and_nothing_is_touched(directory):
  with pytest.raises(RunDirectoryError, match="seed was 1, is 2"):
    Journal(directory, {**SETTINGS, "seed": 2})
  Journal(directory, SETTINGS).close()


OTHER = {**SETTINGS, "seed": 2}


def test_settings_may_change_until_a_trial_was_closed(tmp_path):
  directory = str(tmp_path)
  Journal(directory, SETTINGS).close()
  with Journal(directory, OTHER) as journal:
    journal.append_asked(ASKED)
  with Journal(directory, SETTINGS) as journal:
    assert journal.entries == []
    journal.append_asked(ASKED)
    journal.append_closed(CLOSED)
  assert read_settings(directory) == read_search(directory)[0] == SETTINGS
  with pytest.raises(RunDirectoryError, match="seed was 1, is 2"):
    Journal(directory, OTHER)


def test_open_trials_are_kept_with_the_same_settings(tmp_path):
  for _ in range(2):
    with Journal(str(tmp_path), SETTINGS) as journal:
      if not journal.entries:
        journal.append_asked(ASKED)
      assert journal.trials == ASKED


@pytest.mark.parametrize("content", [None, b"", b"{", b'{"seed": 9}', b"[" * 100_000])
def test_settings_are_restored_from_the_journal_and_not_from_the_present_command(directory, content):
  path = pathlib.Path(directory, "config.json")
  path.unlink() if content is None else path.write_bytes(content)
  with pytest.raises(RunDirectoryError, match="seed was 1, is 2"):
    Journal(directory, OTHER)
  Journal(directory, SETTINGS).close()
  assert json.loads(path.read_text()) == SETTINGS


@pytest.mark.parametrize("content", [None, b"", b"{"])
def test_a_journal_of_version_0_1_0_without_its_settings_is_refused_and_left_as_it_is(directory, content):
  journal, config = pathlib.Path(directory, "trials.jsonl"), pathlib.Path(directory, "config.json")
  lines = [json.loads(line) for line in journal.read_text().splitlines()]
  journal.write_text("".join(json.dumps({k: v for k, v in line.items() if k != "settings"}) + "\n" for line in lines))
  before = journal.read_bytes()
  Journal(directory, SETTINGS).close()
  config.unlink() if content is None else config.write_bytes(content)
  with pytest.raises(RunDirectoryError, match=r"restore config\.json"):
    Journal(directory, SETTINGS)
  assert journal.read_bytes() == before
  assert config.exists() == (content is not None)


@pytest.mark.parametrize("value", [math.nan, math.inf, 10**30, object(), {"deep": math.nan}])
def test_settings_that_cannot_be_compared_later_are_refused(tmp_path, value):
  with pytest.raises(ValueError, match="setting rate: expected a JSON value with finite numbers"):
    Journal(str(tmp_path / "new"), {"rate": value})
  assert not (tmp_path / "new").exists()


def test_a_directory_in_use_is_refused(directory):
  with Journal(directory, SETTINGS), pytest.raises(RunDirectoryInUse, match=f"process {os.getpid()}"):
    Journal(directory, SETTINGS)
  Journal(directory, SETTINGS).close()


def test_a_directory_without_a_journal_is_an_error(tmp_path):
  with pytest.raises(JournalError, match=r"no trials\.jsonl"):
    read_trials(str(tmp_path))


def test_every_line_is_json_on_its_own(directory):
  with open(os.path.join(directory, "trials.jsonl")) as file:
    assert [sorted(json.loads(line))[0] for line in file] == ["asked", "closed"]


def test_a_promotion_opens_a_trial_again_and_keeps_its_results(directory):
  with Journal(directory, SETTINGS) as journal:
    promoted = CLOSED.promote()
    journal.append_promoted(promoted)
    assert journal.trials[0] == promoted and promoted.is_open and promoted.reward == 0.25
    journal.append_closed(promoted.close(Evaluation(0.5, 2.0)))
  (first, _) = read_trials(directory)
  assert not first.is_open and first.reward == 0.5 and first.seconds == 3.5
  assert [evaluation.rung for evaluation in first.evaluations] == [0, 1]


@pytest.mark.parametrize(
  "line",
  [
    '{"promoted": 1, "rung": 1}',
    '{"promoted": 7, "rung": 1}',
    '{"promoted": 0, "rung": 2}',
    '{"promoted": 0, "rung": 0}',
    '{"promoted": 0}',
    '{"closed": 1, "reward": 0.5, "cost_seconds": 1.0, "metrics": {}, "rung": 1}',
  ],
)
def test_a_promotion_of_what_is_not_closed_below_is_corrupt(directory, line):
  with open(os.path.join(directory, "trials.jsonl"), "a", encoding="utf-8") as file:
    file.write(line + "\n")
  with pytest.raises(JournalError, match="line 3"):
    read_trials(directory)
