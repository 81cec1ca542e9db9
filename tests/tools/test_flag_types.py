import pytest
from absl import flags

from nao_tf.tools import flag_types

REGISTRY = {"big": "collections:Counter", "small": "collections:OrderedDict"}


def parse(*argv):
  values = flags.FlagValues()
  flag_types.define_name("size", "big", REGISTRY, "size", "how large", flag_values=values)
  flag_types.define_names("sizes", ["big", "small"], REGISTRY, "size", "which ones", flag_values=values)
  flag_types.define_numbers("steps", (1.0, 0.5), "how far", flag_values=values)
  flag_types.define_fraction("part", "how much of it", flag_values=values)
  values(["program", *argv])
  return values


def test_without_flags_there_are_the_defaults():
  values = parse()
  assert (values.size, values.sizes, values.steps) == ("big", ["big", "small"], (1.0, 0.5))


def test_keys_and_places_are_accepted():
  values = parse("--size=package.module:Name", "--sizes=small, package.module:Name")
  assert values.size == "package.module:Name" and values.sizes == ["small", "package.module:Name"]


@pytest.mark.parametrize("flag", ["--size=medium", "--sizes=small,medium", "--sizes="])
def test_other_names_are_refused_with_the_choices(flag):
  with pytest.raises(
    flags.IllegalFlagValueError, match="unknown size .* expected one of big, small, or package.module"
  ):
    parse(flag)


def test_the_help_lists_the_choices():
  values = parse()
  assert values["size"].help == "how large: one of big, small, or package.module:Name"
  assert values["sizes"].help == "which ones: one of big, small, or package.module:Name, separated by commas"


def test_lists_can_be_written_to_a_flagfile_and_read_again(tmp_path):
  values = parse("--sizes=small,a.b:C", "--steps=3,.25")
  values.append_flags_into_file(str(tmp_path / "a.flags"))
  again = parse(f"--flagfile={tmp_path / 'a.flags'}")
  assert (again.sizes, again.steps) == (["small", "a.b:C"], (3.0, 0.25))


def test_numbers_that_are_none_are_refused():
  with pytest.raises(flags.IllegalFlagValueError, match="steps"):
    parse("--steps=1,x")


@pytest.mark.parametrize("text", ["1", "1.5", "-0.1", "nan", "inf", "half"])
def test_a_share_leaves_something(text):
  assert parse().part is None and parse("--part=0").part == 0.0 and parse("--part=0.5").part == 0.5
  with pytest.raises(flags.IllegalFlagValueError, match=f"flag --part={text}: "):
    parse(f"--part={text}")


@pytest.mark.parametrize(
  "text, numbers",
  [("1:4", (1.0, 2.0, 3.0, 4.0)), ("0.5,3:3", (0.5, 3.0)), ("-1:1,7", (-1.0, 0.0, 1.0, 7.0))],
)
def test_a_range_stands_for_its_integers(text, numbers):
  assert parse(f"--steps={text}").steps == numbers
  assert flag_types.IntegersParser().parse("2:4,9") == (2, 3, 4, 9)


@pytest.mark.parametrize("text", ["4:1", "1:", ":3", "1:2:3", "0.5:2", "1:1e9", "1:1000000000", "1:nan"])
def test_what_is_no_range_is_refused(text):
  with pytest.raises(flags.IllegalFlagValueError, match="expected a range of"):
    parse(f"--steps={text}")
