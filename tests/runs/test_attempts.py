import pytest

from nao_tf.runs.attempts import ATTEMPTS_FILE, Attempts
from nao_tf.runs.journal import JournalError


def test_what_was_begun_counts_until_it_is_interrupted(tmp_path):
  attempts = Attempts(str(tmp_path), ())
  for _ in range(3):
    attempts.begin(5)
  attempts.interrupt(5)
  assert (attempts.count(5), attempts.count(6)) == (2, 0)


def test_attempts_at_open_trials_outlive_the_process_and_others_are_dropped(tmp_path):
  for _ in range(3):
    attempts = Attempts(str(tmp_path), {1})
    attempts.begin(1)
    attempts.begin(2)
    attempts.close()
  attempts = Attempts(str(tmp_path), {1})
  assert (attempts.count(1), attempts.count(2)) == (3, 0)


@pytest.mark.parametrize("line", ["{", "[1]", "[1, 2.5]", '["a", 1]', "3"])
def test_a_corrupt_file_is_named(tmp_path, line):
  (tmp_path / ATTEMPTS_FILE).write_text(line + "\n")
  with pytest.raises(JournalError, match=r"attempts\.jsonl, line 1"):
    Attempts(str(tmp_path), ())
