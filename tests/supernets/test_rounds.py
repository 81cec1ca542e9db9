import os

import pytest

from nao_tf.supernets.rounds import ROUNDS_FILE, RoundsFile

A, B, C = (0, 1), (1, 1), (2, 0)


def filled(directory):
  rounds = RoundsFile(str(directory))
  rounds.add([A, B], [A, B, C], 5)
  rounds.add_reference(0, [0.5, 0.25])
  rounds.add_reward(A, 0.1)
  rounds.add_reward(B, 0.3)
  return rounds


def test_the_file_holds_rounds_references_and_rewards(tmp_path):
  filled(tmp_path)
  rounds = RoundsFile(str(tmp_path))
  assert len(rounds) == 1
  assert rounds.resume([B]) == rounds.first_with(5) == (0, [A, B], [A, B, C], 5)
  assert rounds.resume([C]) is None and rounds.resume([A, C]) is None
  assert rounds.reference(0) == [0.5, 0.25] and rounds.reference(1) == []
  assert rounds.best_first() == [B, A]


def test_only_the_last_round_is_resumed(tmp_path):
  rounds = filled(tmp_path)
  later = rounds.add([C], [A, B, C], 5)
  assert rounds.resume([C]) == later and rounds.resume([A]) is None
  assert rounds.first_with(5).number == 0


def test_a_torn_line_is_dropped(tmp_path):
  filled(tmp_path)
  path = tmp_path / ROUNDS_FILE
  os.truncate(path, os.path.getsize(path) - 3)
  rounds = RoundsFile(str(tmp_path))
  assert rounds.best_first() == [A]
  rounds.add_reward(B, 0.3)
  assert RoundsFile(str(tmp_path)).best_first() == [B, A]


@pytest.mark.parametrize("line", [b"garbage", b'{"reward": 1.0}', b"[]"])
def test_a_line_that_is_no_record_is_named(tmp_path, line):
  filled(tmp_path)
  path = tmp_path / ROUNDS_FILE
  path.write_bytes(line + b"\n" + path.read_bytes())
  with pytest.raises(ValueError, match=rf"{ROUNDS_FILE}, line 1: not a record of rounds"):
    RoundsFile(str(tmp_path))
