"""Laws of everything that reads files from outside: a file is read, or refused by name, at once."""

import time

import hypothesis
import pytest
from hypothesis import strategies as st

from tests.support import fuzzing, mutations
from tests.support.readers import READERS, Reader, json_at

NAMES = [
  pytest.param(name, marks=pytest.mark.xfail(strict=True, reason=reader.waiting) if reader.waiting else ())
  for name, reader in READERS.items()
]
OBEYING = [name for name, reader in READERS.items() if not reader.waiting]
TEXTS = (b"", b"\n", b"\0", b"\xff\xfe", b"garbage\n", *(raw.encode() + b"\n" for raw in mutations.RAW))


@pytest.fixture
def case(request, tmp_path):
  return fuzzing.Case(request.param, READERS[request.param], str(tmp_path))


@pytest.mark.parametrize("name", READERS)
def test_a_valid_file_is_read(tmp_path, name):
  READERS[name].read(READERS[name].write(str(tmp_path)))


@pytest.mark.parametrize("name", OBEYING)
def test_a_file_that_does_not_exist_is_named(tmp_path, name):
  reader = READERS[name]
  path = tmp_path / "there" / "is" / "nothing"
  try:
    reader.read(str(path))
  except (OSError, *reader.errors) as error:
    assert "there" in str(error)


@pytest.mark.parametrize("case", OBEYING, indirect=True)
@hypothesis.settings(
  max_examples=50,
  deadline=None,
  derandomize=True,
  database=None,
  suppress_health_check=list(hypothesis.HealthCheck),
  phases=[hypothesis.Phase.generate],
)
@hypothesis.given(rng=st.randoms(use_true_random=False))
def test_a_damaged_file_is_read_or_refused_by_name(case, rng):
  begun = time.process_time()
  case.run(rng)
  assert time.process_time() - begun < fuzzing.SLOWEST


@pytest.mark.parametrize("case", NAMES, indirect=True)
def test_numbered_cases_are_read_or_refused_by_name(case):
  record = fuzzing.Record()
  fuzzing.run([case], 0, 150, 1, record)
  assert not record.failures and record.slowest[0] < fuzzing.SLOWEST


@pytest.mark.parametrize("case", OBEYING, indirect=True)
def test_something_else_altogether_is_read_or_refused_by_name(case):
  for text in TEXTS:
    case.read(text)


def test_the_program_says_what_it_found(capsys):
  argv = ["--cases=30", "--seed=3", "--first_case=10", "--readers=cells,flagfile"]
  assert fuzzing.main(argv) == 0
  printed = capsys.readouterr().out
  assert (
    "2 readers: cells, flagfile; seed 3" in printed and "RESULT PASSED: 30 cases from 10, seed 3; 0 failures" in printed
  )


def test_a_reader_that_raises_something_else_is_reported(tmp_path, capsys):
  def read(path):
    return {}["key"] if (tmp_path / "damaged").exists() else None

  case = fuzzing.Case("broken", Reader(json_at("a.json", [1]), read, mutations.JsonFile), str(tmp_path))
  (tmp_path / "damaged").touch()
  record = fuzzing.Record()
  fuzzing.run([case], 0, 3, 0, record)
  assert not record.ok and sum(record.failures.values()) == 3
  assert "FAILED broken, case 0: KeyError('key')" in capsys.readouterr().out
