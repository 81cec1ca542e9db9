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


NAMES = {"batch_size", "accumulate_steps", "train_examples", "validation_fraction", "seed", "jit_compile", "image_dir"}


@pytest.mark.parametrize(
  ("text", "expected"),
  [
    ("jit_compile=on is for images", "--jit_compile=on is for images"),
    (
      "a batch_size of 8 cannot be divided into accumulate_steps=3 equal parts",
      "a --batch_size of 8 cannot be divided into --accumulate_steps=3 equal parts",
    ),
    (
      "pets: train_examples is 9, but there are only 8 that validation_fraction=0.2 leaves",
      "pets: --train_examples is 9, but there are only 8 that --validation_fraction=0.2 leaves",
    ),
    ("use seed=0, or a smaller batch_size.", "use --seed=0, or a smaller --batch_size."),
    ("seed was 0; expected an image_dir", "seed was 0; expected an --image_dir"),
  ],
)
def test_settings_are_named_by_their_flags(text, expected):
  assert flag_errors.in_flags(text, NAMES) == expected
  assert flag_errors.in_flags(expected, NAMES) == expected


@pytest.mark.parametrize(
  "text",
  [
    "--child_batch_size=8",
    "runs/batch_size/x",
    "batch_size.csv",
    "got 'batch_size'",
    "training.batch_size was 8",
    "load(image_dir='x')",
  ],
)
def test_what_is_no_setting_stays(text):
  assert flag_errors.in_flags(text, NAMES) == text


def test_a_setting_of_several_stages_of_a_search_stays():
  names = {"batch_size", "child_batch_size", "validation_fraction"}
  assert flag_errors.in_flags("batch_size=8, validation_fraction=0", names) == "batch_size=8, --validation_fraction=0"
  assert flag_errors.in_flags("batch_size=8", set()) == "batch_size=8"
