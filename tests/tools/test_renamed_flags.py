"""Flags that were renamed are refused with their new name."""

import pytest
from absl import flags

from nao_tf.tools import benchmark_predictor, renamed_flags, search
from tests.support.command_line import parse

OF_SEARCHES = sorted(name for name in renamed_flags.RENAMED if name.startswith(("nao_", "controller_")))
OF_THE_PREDICTOR = sorted(name for name in renamed_flags.RENAMED if not name.startswith("nao_"))


@pytest.mark.parametrize(
  ("tool", "old"),
  [*((search, name) for name in OF_SEARCHES), *((benchmark_predictor, name) for name in OF_THE_PREDICTOR)],
)
def test_an_old_name_is_refused_with_the_new_one(tool, old):
  with pytest.raises(flags.Error, match=f"^--{old} is called --{renamed_flags.RENAMED[old]} now$"):
    parse(tool, f"--{old}=3")


def test_also_in_a_flagfile(tmp_path):
  path = tmp_path / "old.flags"
  path.write_text("# Of an earlier version.\n--nao_num_members=3\n")
  with pytest.raises(flags.Error, match="^--nao_num_members is called --nao_ensemble_size now$"):
    parse(search, f"--workdir={tmp_path}", f"--flagfile={path}")


@pytest.mark.parametrize("argv", [["--nao_num_members", "3"], ["-nao_num_members=3"]])
def test_also_in_other_forms(argv):
  with pytest.raises(flags.Error, match="nao_num_members is called --nao_ensemble_size now"):
    parse(search, *argv)


def test_also_a_negated_one():
  with pytest.raises(flags.Error, match="^--nocontroller_alike is called --nocontroller_isomorphic now$"):
    parse(search, "--nocontroller_alike")


@pytest.mark.parametrize("name", ["nao_num_member", "num_members", "nonsense"])
def test_a_flag_that_never_was_one_here_is_unknown_as_ever(name):
  with pytest.raises(flags.UnrecognizedFlagError, match=name):
    parse(search, f"--{name}=3")


def test_every_new_name_is_a_flag():
  names = {name for tool in (search, benchmark_predictor) for name in _flags_of(tool)}
  assert set(renamed_flags.RENAMED.values()) <= names and not names & set(renamed_flags.RENAMED)


def _flags_of(tool):
  values = flags.FlagValues()
  tool.define_flags(values)
  return list(values)
