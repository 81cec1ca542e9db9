import json
import os
import re

import numpy as np
import pytest

from nao_tf.spaces.nasnet import nasnet5
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


ROUND = {"round": 0, "batch": [[0, 1]], "pool": [[0, 1], [2, 0]], "last_epoch": 5}


@pytest.mark.parametrize(
  ("record", "message"),
  [
    ({**ROUND, "round": 1}, "expected an integer from 0 to 0 for 'round', got 1"),
    ({**ROUND, "round": True}, "for 'round', got True"),
    ({**ROUND, "batch": [[0, 0.5]]}, "expected an integer for 'batch[0][1]', got 0.5"),
    ({**ROUND, "pool": [[0, 1], "ab"]}, "expected a list for 'pool[1]', got 'ab'"),
    ({**ROUND, "pool": {}}, "expected a list for 'pool', got {}"),
    ({**ROUND, "last_epoch": -1}, "expected an integer of at least 0 for 'last_epoch', got -1"),
    ({**ROUND, "more": 1}, "a round: has an unknown 'more'"),
    ({"reference": [0.5], "of": 0}, "for 'of', got 0"),
    ({"reference": [True], "of": 0}, "for 'of', got 0"),
    ({"diverged": None}, "expected a text for 'diverged', got None"),
    ({"architecture": [0, 1], "reward": None}, "expected a finite number for 'reward', got None"),
    ({"architecture": [0, 1], "reward": float("nan")}, "expected a finite number for 'reward', got nan"),
    ({"architecture": [0, True], "reward": 1.0}, "expected an integer for 'architecture[1]', got True"),
    ({"architecture": 3, "reward": 1.0}, "expected a list for 'architecture', got 3"),
    ({}, "expected an object with one of round, reference, diverged, architecture for 'record', got {}"),
    (3, "expected a JSON object for 'record', got 3"),
  ],
)
def test_a_record_of_wrong_types_is_named_with_its_line_and_field(tmp_path, record, message):
  path = tmp_path / ROUNDS_FILE
  path.write_text(json.dumps(record) + "\n")
  with pytest.raises(
    ValueError, match=re.escape(f"{path}, line 1: not a record of rounds (") + ".*" + re.escape(message)
  ):
    RoundsFile(str(tmp_path))


def test_scores_of_a_reference_may_be_nan(tmp_path):
  rounds = filled(tmp_path)
  rounds.add_reference(0, [0.5, float("nan")])
  assert np.isnan(RoundsFile(str(tmp_path)).reference(0)[1])


def test_architectures_of_another_space_are_refused(tmp_path):
  filled(tmp_path)
  with pytest.raises(ValueError, match=f"{ROUNDS_FILE}, line 1: .*nasnet5: expected 40 decisions, got 2"):
    RoundsFile(str(tmp_path), nasnet5())
