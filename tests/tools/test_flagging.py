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
    sizes: all of them.

  Further text: is not help.
  """

  epochs: int = 3
  rate: float = 0.1
  name: str | None = None
  loud: bool = False
  sizes: tuple[float, ...] = (1.0, 0.5)


def parse(argv, **options):
  values = flags.FlagValues()
  flagging.define(Recipe(), values, **options)
  values(["program", *argv])
  return values


def test_without_flags_the_defaults_come_back():
  assert flagging.build(Recipe(), parse([])) == Recipe()


def test_flags_set_fields_of_every_type():
  values = parse(["--epochs=7", "--rate=1e-3", "--name=x", "--loud", "--sizes=3,.25"])
  assert flagging.build(Recipe(), values) == Recipe(7, 1e-3, "x", True, (3.0, 0.25))


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
    "recipe.sizes": (1.0, 0.5),
  }


def test_flags_can_be_written_to_a_flagfile_and_read_again(tmp_path):
  values = parse(["--sizes=3,.25", "--rate=0.125"])
  values.append_flags_into_file(str(tmp_path / "a.flags"))
  assert flagging.build(Recipe(), parse([f"--flagfile={tmp_path / 'a.flags'}"])) == flagging.build(Recipe(), values)


def test_numbers_that_are_none_are_refused():
  with pytest.raises(flags.IllegalFlagValueError, match="sizes"):
    parse(["--sizes=1,x"])


def test_unset_flags_leave_what_another_recipe_says():
  values = parse(["--rate=0.5"], unset="as in the search")
  assert flagging.build(Recipe(epochs=11), values) == Recipe(epochs=11, rate=0.5)
  assert values["epochs"].help.endswith("Default: as in the search.")


@dataclasses.dataclass(frozen=True)
class Other:
  """Another recipe.

  Attributes:
    epochs: rounds.
    width: how wide.
  """

  epochs: int = 5
  width: int = 2


def parse_union(argv, *, other=Other(), **options):
  values = flags.FlagValues()
  flagging.define_union({"long": [Recipe()], "wide": [other]}, values, **options)
  values(["program", *argv])
  return values


def test_a_flag_of_several_kinds_leaves_each_its_default_and_tells_it_in_its_help():
  values = parse_union([], prefix="child_")
  assert flagging.build(Recipe(), values, prefix="child_") == Recipe()
  assert flagging.build(Other(), values, prefix="child_") == Other()
  help_ = "long: passes over the data, all of them. Default: 3. wide: rounds. Default: 5."
  assert values["child_epochs"].help == help_
  assert values["child_width"].help == "wide: how wide. Default: 2."


def test_a_flag_of_several_kinds_sets_the_field_in_all():
  values = parse_union(["--epochs=7"], skip=["width"], unset="as before")
  assert flagging.build(Recipe(), values).epochs == flagging.build(Other(), values).epochs == 7
  assert "width" not in values and values["rate"].help == "long: step size. Default: as before."


def test_fields_of_one_name_and_several_types_are_refused():
  @dataclasses.dataclass(frozen=True)
  class Wrong:
    epochs: float = 1.0

  with pytest.raises(TypeError, match="epochs is a int here and a float there"):
    parse_union([], other=Wrong())
