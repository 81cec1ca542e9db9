import dataclasses

import pytest
from absl import flags

from nao_tf.tools import flagging


@dataclasses.dataclass(frozen=True)
class Recipe:
  """A recipe.

  Attributes:
    epochs: passes over the data,
      all of them.
    rate: step size.
    name: which one; None for any.
    loud: whether to say so.

  Further text: is not help.
  """

  epochs: int = 3
  rate: float = 0.1
  name: str | None = None
  loud: bool = False


def parse(argv, **options):
  values = flags.FlagValues()
  flagging.define(Recipe(), values, **options)
  values(["program", *argv])
  return values


def test_without_flags_the_defaults_come_back():
  assert flagging.build(Recipe(), parse([])) == Recipe()


def test_flags_set_fields_of_every_type():
  values = parse(["--epochs=7", "--rate=1e-3", "--name=x", "--loud"])
  assert flagging.build(Recipe(), values) == Recipe(7, 1e-3, "x", True)


def test_help_comes_from_the_docstring():
  values = parse([])
  assert values["epochs"].help == "passes over the data, all of them."
  assert values["loud"].help == "whether to say so."


def test_a_prefix_keeps_two_recipes_apart():
  values = parse(["--best_epochs=9"], prefix="best_", only=("epochs",))
  assert flagging.build(Recipe(), values, prefix="best_") == Recipe(epochs=9)
  assert "best_rate" not in values


def test_overrides_win():
  assert flagging.build(Recipe(), parse(["--epochs=7"]), epochs=8).epochs == 8


def test_a_value_of_the_wrong_type_is_refused():
  with pytest.raises(flags.IllegalFlagValueError, match="epochs"):
    parse(["--epochs=many"])


def test_a_flagfile_is_read_and_the_command_line_wins(tmp_path):
  path = tmp_path / "a.flags"
  path.write_text("# A comment.\n--epochs=5\n--rate=0.5\n")
  values = parse([f"--flagfile={path}", "--rate=0.25"])
  assert flagging.build(Recipe(), values) == Recipe(epochs=5, rate=0.25)


def test_settings_are_flat():
  assert flagging.settings(seed=1, recipe=Recipe()) == {
    "seed": 1,
    "recipe.epochs": 3,
    "recipe.rate": 0.1,
    "recipe.name": None,
    "recipe.loud": False,
  }
