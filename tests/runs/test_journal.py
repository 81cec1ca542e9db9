import json
import os

import pytest

from nao_tf.runs.journal import Journal, JournalError, read_trials
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


@pytest.mark.parametrize("line", [b"nonsense\n", b'{"closed": 7, "reward": 1}\n', b"[]\n", b'{"asked": 3}\n'])
def test_a_corrupt_line_is_an_error_that_names_it(directory, line):
  with open(os.path.join(directory, "trials.jsonl"), "ab") as file:
    file.write(line)
  with pytest.raises(JournalError, match="line 3"):
    Journal(directory, SETTINGS)


def test_other_settings_are_refused_and_nothing_is_touched(directory):
  with pytest.raises(RunDirectoryError, match="seed was 1, is 2"):
    Journal(directory, {**SETTINGS, "seed": 2})
  Journal(directory, SETTINGS).close()


def test_settings_may_change_until_something_was_asked(tmp_path):
  Journal(str(tmp_path), SETTINGS).close()
  Journal(str(tmp_path), {**SETTINGS, "seed": 2}).close()
  assert read_settings(str(tmp_path))["seed"] == 2


def test_a_directory_in_use_is_refused(directory):
  with Journal(directory, SETTINGS), pytest.raises(JournalError, match="another process"):
    Journal(directory, SETTINGS)
  Journal(directory, SETTINGS).close()


def test_a_directory_without_a_journal_is_an_error(tmp_path):
  with pytest.raises(JournalError, match=r"no trials\.jsonl"):
    read_trials(str(tmp_path))


def test_every_line_is_json_on_its_own(directory):
  with open(os.path.join(directory, "trials.jsonl")) as file:
    assert [sorted(json.loads(line))[0] for line in file] == ["asked", "closed"]
