"""Lines that can be pasted into a shell."""

import shlex

import pytest

from nao_tf.tools.shell_lines import shell_argument, shell_line


def test_what_a_shell_would_change_is_quoted_behind_the_name_of_the_flag():
  line = shell_line("nao-status", ["--workdir=/a b/$c", "--json"])
  assert line == "nao-status --workdir='/a b/$c' --json"


@pytest.mark.parametrize(
  "argument", ["--workdir=runs/first", "--workdir=it's", "a b", "--architecture=|none~0|", "--nojson", "x=y z"]
)
def test_a_shell_reads_the_argument_that_was_given(argument):
  assert shlex.split(shell_argument(argument)) == [argument]


def test_plain_arguments_stay_as_they_are():
  assert shell_argument("--workdir=runs/first") == "--workdir=runs/first"
