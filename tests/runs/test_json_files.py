import json
import os

import pytest

from nao_tf.runs.json_files import write_json


def test_a_file_is_replaced_at_once(tmp_path):
  path = str(tmp_path / "value.json")
  for value in ({"a": [1, 2.5, None]}, "text"):
    write_json(path, value)
    with open(path, encoding="utf-8") as file:
      assert json.load(file) == value
  assert os.listdir(tmp_path) == ["value.json"]


def test_what_is_not_json_leaves_the_old_file(tmp_path):
  path = str(tmp_path / "value.json")
  write_json(path, 1)
  with pytest.raises(TypeError):
    write_json(path, object())
  with open(path, encoding="utf-8") as file:
    assert json.load(file) == 1
