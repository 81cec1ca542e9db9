import json
import math
import os
import re

import pytest

from nao_tf.runs.json_files import parse_json, read_json, write_json


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


@pytest.mark.parametrize(
  "text",
  [b"", b"{", b"\xff", b'{"a": 1e999}', b"[NaN]", b"-Infinity", b"[" + b"9" * 400 + b"]", b'{"a": 1, "b": 2, "a": 1}'],
)
def test_what_is_refused_is_a_value_error_with_its_place(text):
  with pytest.raises(ValueError, match="^here: "):
    parse_json(text, "here")


@pytest.mark.parametrize("depth", [51, 900, 200_000])
def test_deep_nesting_is_refused(depth):
  for text in (b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth):
    with pytest.raises(ValueError, match="here: .*50 levels"):
      parse_json(text, "here")


@pytest.mark.parametrize("text", [b'"\\ud800"', b'{"\\uDFFF": 1}', b'["\\ude00\\ud83d"]'])
def test_text_that_cannot_be_written_anywhere_is_refused(text):
  with pytest.raises(ValueError, match="here: .*surrogate") as error:
    parse_json(text, "here")
  str(error.value).encode()


def test_whole_surrogate_pairs_are_characters():
  assert parse_json(b'"\\ud83d\\ude00"', "here") == "\U0001f600"


def test_limits_are_reached_but_not_passed():
  assert parse_json(b"[" * 50 + b"]" * 50, "here")
  assert parse_json(b"[9223372036854775807, -9223372036854775808]", "here") == [2**63 - 1, -(2**63)]
  with pytest.raises(ValueError, match="64 bits"):
    parse_json(b"[9223372036854775808]", "here")


def test_history_may_hold_what_is_not_finite():
  values = parse_json(b"[NaN, Infinity, 1e999]", "here", allow_nan=True)
  assert math.isnan(values[0])
  assert values[1:] == [math.inf, math.inf]


def test_a_file_is_named_in_errors(tmp_path):
  path = tmp_path / "value.json"
  path.write_text("{]")
  with pytest.raises(ValueError, match=f"^{re.escape(str(path))}: "):
    read_json(str(path))
