"""Append-only files of lines: whole lines survive, torn ones are dropped, wrong ones are named."""

import json
import os
import shutil

import pytest

from nao_tf.runs.lines import FileReplacedError, LinesFile, read_lines, write_lines

RECORDS = [{"a": 1}, [2, "line \u2028 separator"], 3.5]


@pytest.fixture
def path(tmp_path):
  path = str(tmp_path / "file.jsonl")
  file = LinesFile(path)
  for record in RECORDS:
    file.append(record)
  file.close()
  return path


def read(path):
  return read_lines(path, lambda value: value, "a record")


def test_what_was_appended_is_read_by_readers_and_writers(path):
  assert read(path) == RECORDS
  assert LinesFile(path).read(lambda value: value, "a record") == RECORDS


def test_cut_at_any_byte_the_whole_lines_are_left_and_writing_goes_on(path):
  with open(path, "rb") as file:
    data = file.read()
  for length in range(len(data) + 1):
    with open(path, "wb") as file:
      file.write(data[:length])
    whole = RECORDS[: data[:length].count(b"\n")]
    assert read(path) == whole
    file = LinesFile(path)
    file.append("more")
    file.close()
    assert read(path) == [*whole, "more"]


@pytest.mark.parametrize("line", ["{", "[1", "nonsense", "\x00"])
def test_a_line_that_is_not_json_is_named(path, line):
  with open(path, "a") as file:
    file.write(line + "\n")
  with pytest.raises(ValueError, match=r"file\.jsonl, line 4: not a record"):
    read(path)


@pytest.mark.parametrize("error", [ValueError, KeyError, TypeError])
def test_a_line_that_cannot_be_parsed_is_named(path, error):
  def parse(value):
    raise error("no")

  with pytest.raises(ValueError, match=r"line 1: not a word .*no"):
    read_lines(path, parse, "a word")


def test_nan_is_written_only_where_it_is_allowed(path):
  file = LinesFile(path)
  with pytest.raises(ValueError, match="Out of range float"):
    file.append(float("nan"))
  assert read(path) == RECORDS
  file.append(float("inf"), allow_nan=True)
  assert read(path) == [*RECORDS, float("inf")]


def test_a_record_that_is_not_json_leaves_the_file_as_it_was(path):
  with pytest.raises(TypeError):
    LinesFile(path).append(object())
  assert read(path) == RECORDS


def test_a_locked_file_is_not_locked_twice(path):
  first = LinesFile(path, locked=True)
  with pytest.raises(BlockingIOError):
    LinesFile(path, locked=True)
  first.close()
  LinesFile(path, locked=True).close()


def test_all_lines_are_replaced_at_once(path):
  write_lines(path, [{"b": 2}])
  assert read(path) == [{"b": 2}] and os.listdir(os.path.dirname(path)) == ["file.jsonl"]


def test_every_line_is_json_on_its_own(path):
  with open(path, "rb") as file:
    assert [json.loads(line) for line in file.read().split(b"\n")[:-1]] == RECORDS


def replaced(path):
  os.replace(path, f"{path}.old")
  write_lines(path, ["another"])


def changed(path):
  with open(path, "a", encoding="utf-8") as file:
    file.write('"another"\n')


@pytest.mark.parametrize("happened", [os.remove, replaced, changed, lambda path: shutil.rmtree(os.path.dirname(path))])
def test_a_file_that_is_no_longer_there_ends_writing_and_loses_nothing(tmp_path, happened):
  path = str(tmp_path / "run" / "file.jsonl")
  os.makedirs(os.path.dirname(path))
  file = LinesFile(path)
  for record in RECORDS:
    file.append(record)
  happened(path)
  with pytest.raises(FileReplacedError, match=r"was deleted, replaced or changed .*file\.jsonl\.kept"):
    file.append("more")
  assert read(f"{path}.kept")[: len(RECORDS)] == RECORDS


def test_a_second_kept_file_does_not_replace_the_first(path):
  for number in range(2):
    file = LinesFile(path)
    file.append(number)
    os.remove(path)
    with pytest.raises(FileReplacedError):
      file.append("more")
  assert read(f"{path}.kept") == [*RECORDS, 0]
  assert read(f"{path}.kept.1") == [1]


def test_a_cleared_file_is_written_from_its_beginning(path):
  file = LinesFile(path)
  file.clear()
  file.append("first", to_disk=False)
  assert read(path) == ["first"]


@pytest.mark.parametrize(
  "line", [100_000 * b"[", b"9" * 400, b'{"a": 1, "a": 2}', b'"\xff"', b"\xef\xbb\xbf1", 60 * b"[" + 60 * b"]"]
)
def test_lines_have_the_limits_of_json_files(path, line):
  with open(path, "ab") as file:
    file.write(line + b"\n")
  with pytest.raises(ValueError, match=r"file\.jsonl, line 4: not a record \(the line: "):
    read(path)


def test_nan_is_read_only_where_it_is_allowed(path):
  with open(path, "ab") as file:
    file.write(b"[NaN]\n")
  assert read(path)[:3] == RECORDS
  for source in (LinesFile(path).read, lambda *arguments, **options: read_lines(path, *arguments, **options)):
    with pytest.raises(ValueError, match=r"file\.jsonl, line 4: not a record .*finite"):
      source(lambda value: value, "a record", allow_nan=False)
