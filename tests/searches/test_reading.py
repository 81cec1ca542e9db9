import dataclasses

import pytest

from nao_tf.runs.journal import Journal
from nao_tf.runs.settings import RunDirectoryError
from nao_tf.searches.reading import load
from nao_tf.trial import best_trial
from tests.support.toys import search_toy


def test_a_finished_search_is_read(tmp_path):
  best = search_toy(str(tmp_path), "evolution", 12, space_name="toy")
  record = load(tmp_path)
  assert record.directory == str(tmp_path) and record.settings == {"strategy": "evolution", "seed": 3}
  assert [trial.id for trial in record.trials] == list(range(12)) and not record.reranked
  assert record.best == best == best_trial(record.trials)


def test_a_running_search_is_read(tmp_path):
  search_toy(str(tmp_path), "random", 4, space_name="toy")
  with Journal(str(tmp_path), {"strategy": "random", "seed": 3}) as journal:
    open_trial = dataclasses.replace(journal.trials[0], id=4, architecture=(2, 2, 1, 1), evaluation=None)
    journal.append_asked([open_trial])
    assert load(str(tmp_path)).trials[-1] == open_trial


def test_a_directory_without_a_search_is_an_error(tmp_path):
  search_toy(str(tmp_path), "random", 4, space_name="toy")
  (tmp_path / "trials.jsonl").unlink()
  with pytest.raises(RunDirectoryError, match=rf"{tmp_path}: no trials\.jsonl here"):
    load(str(tmp_path))


def test_settings_are_read_from_the_journal_where_their_copy_is_missing(tmp_path):
  search_toy(str(tmp_path), "random", 4, space_name="toy")
  (tmp_path / "config.json").unlink()
  assert load(str(tmp_path)).settings["strategy"] == "random"
