"""Wrong numbers and wrong flagfiles are errors of flags, in every binary."""

import importlib
import inspect
import math
import os
import re
import subprocess
import sys

import pytest
from absl import flags

from nao_tf.tools import flag_types, flagfiles, parsing
from tests.support.command_line import parse

TOOLS = (
  "benchmark_oracles",
  "benchmark_predictor",
  "benchmark_rungs",
  "benchmark_strategies",
  "describe",
  "draw",
  "evaluate",
  "export",
  "rank_shared",
  "report",
  "search",
  "status",
  "step_times",
  "train",
  "tune",
)


def defined(tool):
  values = flags.FlagValues()
  module = importlib.import_module(f"nao_tf.tools.{tool}")
  module.define_flags(values)
  values.mark_as_parsed()
  return values


def takes_numbers(flag):
  return isinstance(flag.parser, (flags.FloatParser, flag_types.NumbersParser))


def refuses(values, flag, text):
  """Whether a value of a flag is refused, as it is read or afterwards."""
  before = flag.value
  try:
    flag.parse(text)
    parsing.check_numbers(values)
  except flags.IllegalFlagValueError as error:
    assert flag.name in str(error)
    return True
  finally:
    flag.value = before
  return False


@pytest.mark.parametrize("tool", TOOLS)
def test_no_flag_of_any_binary_takes_what_is_not_finite(tool):
  values = defined(tool)
  parsing.check_numbers(values)
  for flag in (values[name] for name in values if takes_numbers(values[name])):
    for text in ("nan", "NaN", "inf", "-inf", "1e999", "infinity"):
      assert refuses(values, flag, text), flag.name
  for flag in (values[name] for name in values if isinstance(values[name].parser, flag_types.NumbersParser)):
    assert refuses(values, flag, "0.5,nan") and refuses(values, flag, "inf,0.5")
  for flag in (values[name] for name in values if isinstance(values[name].parser, flags.IntegerParser)):
    assert refuses(values, flag, "9" * 400) and refuses(values, flag, "9" * 5000) and refuses(values, flag, "nan")


def test_the_list_of_binaries_is_complete():
  directory = os.path.dirname(inspect.getfile(parsing))
  binaries = [name for name in os.listdir(directory) if name.endswith(".py") and "def cli" in read(directory, name)]
  assert sorted(name.removesuffix(".py") for name in binaries) == sorted((*TOOLS, "nao"))


def read(directory, name):
  with open(os.path.join(directory, name), encoding="utf-8") as file:
    return file.read()


def test_numbers_that_are_not_finite_are_refused_with_the_flag():
  for flag in ("--child_learning_rate=nan", "--nao_step_sizes=1,inf", "--validation_fraction=nan"):
    with pytest.raises(flags.IllegalFlagValueError, match=flag.split("=")[0]):
      parse(importlib.import_module("nao_tf.tools.search"), "--workdir=x", flag)


def test_lists_of_integers():
  values = flags.FlagValues()
  flag_types.define_integers("at", (3,), "when", 0, flag_values=values)
  flag_types.define_number("rate", 0.5, "how fast", 0.0, 1.0, flag_values=values)
  values.mark_as_parsed()
  assert (values.at, values.rate) == ((3,), 0.5)
  for text, expected in (("1,20", (1, 20)), ("", ()), (" 5", (5,))):
    values["at"].parse(text)
    assert values.at == expected
  for name, text in (("at", "1,x"), ("at", "-1"), ("at", "0.5"), ("at", "1,,2"), ("rate", "2"), ("rate", "nan")):
    with pytest.raises(flags.IllegalFlagValueError, match=f"--{name}="):
      values[name].parse(text)


def test_integers_are_written_so_that_they_are_read_again():
  assert flag_types.IntegersSerializer().serialize((3, 20)) == "3,20"


def test_numbers_are_written_so_that_they_are_read_again():
  numbers = (math.pi, 1e-7, 123456789.0)
  assert flag_types.NumbersParser().parse(flag_types.NumbersSerializer().serialize(numbers)) == numbers


@pytest.fixture
def here(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  return tmp_path


def write(path, *lines):
  path.write_bytes("\n".join(lines).encode() + b"\n")


def test_flags_of_flagfiles_take_the_place_of_their_name(here):
  write(here / "a.flags", "# A comment.", "// Another.", "", "  --one=1 ", "--flagfile=b.flags", "--three=3")
  (here / "b.flags").write_bytes("\ufeff--two=zw\u2028ei\r\n".encode())
  argv = ["program", "--zero", "--flagfile=a.flags", "-flagfile", "b.flags", "rest", "--", "--flagfile=a.flags"]
  assert flagfiles.expanded(argv) == [
    *("program", "--zero", "--one=1", "--two=zw\u2028ei", "--three=3", "--two=zw\u2028ei", "rest", "--"),
    "--flagfile=a.flags",
  ]


def test_a_flagfile_may_be_named_twice_but_not_by_itself(here):
  write(here / "a.flags", "--one=1")
  assert flagfiles.expanded(["program", "--flagfile=a.flags", "--flagfile=a.flags"]) == ["program", *2 * ["--one=1"]]


WRONG = {
  "missing": (lambda path: None, "cannot be read: No such file"),
  "a directory": (lambda path: path.mkdir(), "cannot be read: Is a directory"),
  "latin-1": (lambda path: path.write_bytes(b"--task=\xe9\n"), "expected text in UTF-8, got another byte at 7"),
  "binary": (lambda path: path.write_bytes(bytes(range(256))), "expected text in UTF-8"),
  "itself": (lambda path: write(path, f"--flagfile={path}"), "includes itself, by way of"),
  "a link to itself": (lambda path: path.symlink_to(path), "cannot be read: Too many levels"),
  "large": (lambda path: path.write_bytes(bytes(2**20 + 1)), "expected at most 1048576 bytes"),
  "many": (lambda path: chain(path, 2000), "expected at most 100 flagfiles"),
}


def chain(path, length):
  write(path, f"--flagfile={path}.0")
  for number in range(length):
    write(path.with_name(f"{path.name}.{number}"), f"--flagfile={path}.{number + 1}")


@pytest.mark.parametrize("make, message", WRONG.values(), ids=WRONG)
def test_a_wrong_flagfile_is_an_error_that_names_it(tmp_path, make, message):
  path = tmp_path / "wrong.flags"
  make(path)
  with pytest.raises(flags.Error, match=f"--flagfile={re.escape(str(path))}.*{message}"):
    parse(importlib.import_module("nao_tf.tools.search"), f"--flagfile={path}")


def test_flagfiles_that_include_each_other_twice_end_soon(here):
  for number in range(60):
    write(here / f"{number}.flags", *2 * [f"--flagfile={number + 1}.flags"])
  write(here / "60.flags", "--one=1")
  with pytest.raises(flags.Error, match="expected at most 100 flagfiles"):
    flagfiles.expanded(["program", "--flagfile=0.flags"])


@pytest.mark.parametrize("argument", ["--flagfile", "--flagfile=", "-flagfile= "])
def test_a_flagfile_without_a_path_is_refused(argument):
  with pytest.raises(flags.Error, match="--flagfile: expected the path of a file, got nothing"):
    flagfiles.expanded(["program", argument])


@pytest.mark.parametrize("argument", ["--flagfile=wrong.flags", "--num_steps=nan", "--nonsense"])
def test_a_program_says_so_in_one_line_and_exits_as_for_any_wrong_flag(here, argument):
  (here / "wrong.flags").write_bytes(b"\xff")
  command = [sys.executable, "-m", "nao_tf.tools.step_times", argument]
  environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
  done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
  assert done.returncode == 1 and "Traceback" not in done.stderr
  assert f"FATAL Flags parsing error: {argument.split('=')[0]}" in done.stderr.replace("flag --", "--").replace(
    "Unknown command line flag '", "--"
  )
