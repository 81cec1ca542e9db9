import json

import pytest

from nao_tf.benchmarks.overhead_file import read_overhead

OVERHEAD = {"nao, 10 trials": {"mean": 0.5, "max": 1.0, "num_timed": 20}}


def test_what_was_measured_is_read(tmp_path):
  path = tmp_path / "overhead.json"
  path.write_text(json.dumps(OVERHEAD))
  assert read_overhead(str(path)) == OVERHEAD


@pytest.mark.parametrize(
  ("value", "message"),
  [
    ([], "expected a JSON object for 'overhead', got"),
    ({"nao": 3}, "expected a JSON object for .*nao"),
    ({"nao": {"mean": 1, "max": 2}}, "'nao': has no 'num_timed'"),
    ({"nao": {"mean": True, "max": 2, "num_timed": 3}}, "expected a finite number of at least 0 for 'mean', got True"),
    ({"nao": {"mean": 1, "max": -2, "num_timed": 3}}, "for 'max', got -2"),
    ({"nao": {"mean": 1, "max": 2, "num_timed": 0.5}}, "expected an integer of at least 0 for 'num_timed', got 0.5"),
  ],
)
def test_something_else_is_refused_with_the_file_and_the_field(tmp_path, value, message):
  path = tmp_path / "overhead.json"
  path.write_text(json.dumps(value))
  with pytest.raises(ValueError, match=rf"overhead.json: .*{message}"):
    read_overhead(str(path))
