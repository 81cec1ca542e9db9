import os

import pytest

from nao_tf import fields
from nao_tf.runs.side_files import SideFile


def parse(value):
  return fields.integer(fields.members(value, "a number", ("number",))["number"], "number")


def open_file(path):
  return SideFile(str(path), parse, "a number")


def add(path, *numbers):
  file = open_file(path)
  for number in numbers:
    file.append({"number": number})
  file.close()


def test_lines_are_there_when_the_file_is_opened_again(tmp_path):
  add(tmp_path / "side.jsonl", 1, 2)
  assert open_file(tmp_path / "side.jsonl").rows == [1, 2]


@pytest.mark.parametrize("damage", [b"nonsense\n", b'{"number": "two"}\n', b"\xff\xfe\n", b"null\n", b"[" * 99 + b"\n"])
def test_a_damaged_file_is_set_aside_with_one_warning_and_its_good_lines_stay(tmp_path, caplog, damage):
  path = tmp_path / "side.jsonl"
  path.write_bytes(b'{"number": 1}\n' + damage + b'{"number": 3}\n')
  file = open_file(path)
  file.append({"number": 4})
  file.close()
  assert file.rows == [1, 3] and open_file(path).rows == [1, 3, 4]
  assert damage in (tmp_path / "side.jsonl.damaged").read_bytes()
  [warning] = caplog.records
  assert "side.jsonl, line 2: not a number" in warning.getMessage() and "side.jsonl.damaged" in warning.getMessage()


def test_a_second_damaged_file_does_not_replace_the_first(tmp_path):
  for _ in range(2):
    (tmp_path / "side.jsonl").write_text("nonsense\n")
    open_file(tmp_path / "side.jsonl").close()
  assert sorted(os.listdir(tmp_path)) == ["side.jsonl", "side.jsonl.damaged", "side.jsonl.damaged.1"]


def test_what_cannot_be_written_is_one_warning(tmp_path, caplog):
  (tmp_path / "side.jsonl").mkdir()
  add(tmp_path / "side.jsonl", 1, 2)
  [warning] = caplog.records
  assert "cannot be written, so the report will lack its data" in warning.getMessage()


def test_a_file_that_is_deleted_meanwhile_is_one_warning(tmp_path, caplog):
  file = open_file(tmp_path / "side.jsonl")
  os.remove(tmp_path / "side.jsonl")
  file.append({"number": 1})
  file.append({"number": 2})
  file.close()
  assert len(caplog.records) == 1


def test_numbers_that_are_not_finite_are_left_out(tmp_path, caplog):
  add(tmp_path / "side.jsonl", 1, float("nan"), 3)
  assert open_file(tmp_path / "side.jsonl").rows == [1, 3] and "a line was not written" in caplog.text
