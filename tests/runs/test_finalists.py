import pytest

from nao_tf.runs.finalists import RERANK_DIRECTORY, read_finalists, with_ids_of
from nao_tf.runs.journal import Journal, JournalError
from nao_tf.trial import Trial

TRIALS = [Trial(0, (0, 1)), Trial(1, (1, 1))]


def test_finalists_have_the_ids_of_the_search(tmp_path):
  assert read_finalists(str(tmp_path), TRIALS) == []
  with Journal(str(tmp_path / RERANK_DIRECTORY), {}) as journal:
    journal.append_asked([Trial(0, (1, 1))])
  assert [(trial.id, trial.architecture) for trial in read_finalists(str(tmp_path), TRIALS)] == [(1, (1, 1))]


def test_finalists_of_another_search_are_an_error(tmp_path):
  with pytest.raises(ValueError, match="trial 4 has an architecture that no trial"):
    with_ids_of(TRIALS, [Trial(4, (9, 9))])
  with Journal(str(tmp_path / RERANK_DIRECTORY), {}) as journal:
    journal.append_asked([Trial(0, (9, 9))])
  with pytest.raises(JournalError, match="not the finalists of this search"):
    read_finalists(str(tmp_path), TRIALS)
