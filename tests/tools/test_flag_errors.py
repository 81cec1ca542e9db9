"""Errors of flags are understood without knowing absl or Python."""

import pathlib

import pytest
from absl import flags

from nao_tf.tools import describe, flag_errors, search
from tests.support.command_line import parse


@pytest.mark.parametrize(
  ("arguments", "expected"),
  [
    ([], "--architecture is needed"),
    (["--json"], "--architecture is needed"),
    (["NAONet-B", "--json"], "--architecture is needed; did you mean --architecture=NAONet-B?"),
    (["--architecture=lstm", "--filters=many"], "flag --filters=many: expected an integer"),
    (["--architecture=lstm", "--filters=0"], "flag --filters=0: 0 is not a positive integer"),
    (["--architecture=lstm", "--filtres=3"], "Unknown command line flag 'filtres'. Did you mean: filters ?"),
    (["--architecture=lstm", "--strategy=nao"], "Unknown command line flag 'strategy'; it is one of nao-search"),
  ],
)
def test_the_message_says_what_is_expected(arguments, expected):
  with pytest.raises(flags.Error) as error:
    parse(describe, *arguments)
  assert flag_errors.message(error.value, ["nao-describe", *arguments]) == expected


def test_a_text_in_place_of_a_number_is_named():
  error = flags.IllegalFlagValueError("flag --rate=fast: could not convert string to float: 'fast'")
  assert flag_errors.message(error, ["nao-search"]) == "flag --rate=fast: expected a number"


def test_the_flagfile_of_another_command_is_noticed():
  flagfile = pathlib.Path(__file__).parents[2] / "flags/paper/ptb.flags"
  with pytest.raises(flags.Error) as error:
    parse(search, f"--flagfile={flagfile}", "--workdir=runs/mine")
  message = flag_errors.message(error.value, ["nao-search"])
  assert message == "Unknown command line flag 'architecture'; it is one of nao-train"
