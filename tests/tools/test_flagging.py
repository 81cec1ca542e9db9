import dataclasses
import json

import pytest
from absl import flags

from nao_tf.benchmarks.strategy_benchmark import BenchmarkConfig
from nao_tf.controller.config import ControllerConfig
from nao_tf.strategies.evolution import EvolutionConfig
from nao_tf.strategies.nao_config import NaoConfig
from nao_tf.supernets.config import SharingConfig
from nao_tf.tasks import task_classes
from nao_tf.tools import flagging


@dataclasses.dataclass(frozen=True)
class Training:
  """How something is trained.

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
  flagging.define(Training(), values, **options)
  values(["program", *argv])
  return values


def test_without_flags_the_defaults_come_back():
  assert flagging.build(Training(), parse([])) == Training()


def test_flags_set_fields_of_every_type():
  values = parse(["--epochs=7", "--rate=1e-3", "--name=x", "--loud", "--sizes=3,.25"])
  assert flagging.build(Training(), values) == Training(7, 1e-3, "x", True, (3.0, 0.25))


def test_help_comes_from_the_docstring():
  values = parse([])
  assert values["epochs"].help == "passes over the data, all of them."
  assert values["loud"].help == "whether to say so."


def test_a_prefix_keeps_two_configurations_apart():
  values = parse(["--best_epochs=9"], prefix="best_", only=("epochs",))
  assert flagging.build(Training(), values, prefix="best_") == Training(epochs=9)
  assert "best_rate" not in values


def test_overrides_win():
  assert flagging.build(Training(), parse(["--epochs=7"]), epochs=8).epochs == 8


def test_a_value_of_the_wrong_type_is_refused():
  with pytest.raises(flags.IllegalFlagValueError, match="epochs"):
    parse(["--epochs=many"])


def test_a_flagfile_is_read_and_the_command_line_wins(tmp_path):
  path = tmp_path / "a.flags"
  path.write_text("# A comment.\n--epochs=5\n--rate=0.5\n")
  values = parse([f"--flagfile={path}", "--rate=0.25"])
  assert flagging.build(Training(), values) == Training(epochs=5, rate=0.25)


def test_settings_are_flat():
  assert flagging.settings(seed=1, training=Training()) == {
    "seed": 1,
    "training.epochs": 3,
    "training.rate": 0.1,
    "training.name": None,
    "training.loud": False,
    "training.sizes": (1.0, 0.5),
  }


def test_recorded_settings_are_read():
  recorded = {"seed": 1, **flagging.settings(training=Training(epochs=5, rate=2, sizes=(3.0,)))}
  read = flagging.from_settings(Training(), json.loads(json.dumps(recorded)), "training")
  assert read == Training(epochs=5, rate=2, sizes=(3.0,)) and type(read.rate) is float


@pytest.mark.parametrize(
  ("name", "value", "message"),
  [
    ("epochs", 0.5, "expected an integer for 'training.epochs', got 0.5"),
    ("epochs", None, "expected an integer for 'training.epochs', got None"),
    ("rate", "fast", "expected a finite number for 'training.rate', got 'fast'"),
    ("rate", True, "expected a finite number for 'training.rate', got True"),
    ("name", 3, "expected a text for 'training.name', got 3"),
    ("loud", 1, "expected true or false for 'training.loud', got 1"),
    ("sizes", 1.0, "expected a list for 'training.sizes', got 1.0"),
    ("sizes", [1.0, None], "expected a finite number for 'training.sizes\\[1\\]', got None"),
    ("width", 3, "expected the settings of a Training, got training.width"),
  ],
)
def test_recorded_settings_of_wrong_types_are_refused_by_name(name, value, message):
  with pytest.raises(ValueError, match=message):
    flagging.from_settings(Training(), {f"training.{name}": value}, "training")


def test_flags_can_be_written_to_a_flagfile_and_read_again(tmp_path):
  values = parse(["--sizes=3,.25", "--rate=0.125"])
  values.append_flags_into_file(str(tmp_path / "a.flags"))
  assert flagging.build(Training(), parse([f"--flagfile={tmp_path / 'a.flags'}"])) == flagging.build(Training(), values)


def test_numbers_that_are_none_are_refused():
  with pytest.raises(flags.IllegalFlagValueError, match="sizes"):
    parse(["--sizes=1,x"])


def test_unset_flags_leave_what_another_configuration_says():
  values = parse(["--rate=0.5"], unset="as in the search")
  assert flagging.build(Training(epochs=11), values) == Training(epochs=11, rate=0.5)
  assert values["epochs"].help.endswith("Default: as in the search.")


@dataclasses.dataclass(frozen=True)
class Other:
  """How something else is trained.

  Attributes:
    epochs: rounds.
    width: how wide.
  """

  epochs: int = 5
  width: int = 2


def parse_union(argv, *, other=Other(), **options):
  values = flags.FlagValues()
  flagging.define_union({"long": [Training()], "wide": [other]}, values, **options)
  values(["program", *argv])
  return values


def test_a_flag_of_several_kinds_leaves_each_its_default_and_tells_it_in_its_help():
  values = parse_union([], prefix="child_")
  assert flagging.build(Training(), values, prefix="child_") == Training()
  assert flagging.build(Other(), values, prefix="child_") == Other()
  help_ = "long: passes over the data, all of them. Default: 3. wide: rounds. Default: 5."
  assert values["child_epochs"].help == help_
  assert values["child_width"].help == "wide: how wide. Default: 2."


def test_a_flag_of_several_kinds_sets_the_field_in_all():
  values = parse_union(["--epochs=7"], skip=["width"], unset="as before")
  assert flagging.build(Training(), values).epochs == flagging.build(Other(), values).epochs == 7
  assert "width" not in values and values["rate"].help == "long: step size. Default: as before."


def test_fields_of_one_name_and_several_types_are_refused():
  @dataclasses.dataclass(frozen=True)
  class Wrong:
    epochs: float = 1.0

  with pytest.raises(TypeError, match="epochs is a int here and a float there"):
    parse_union([], other=Wrong())


def test_a_field_of_a_type_without_a_flag_is_explained():
  @dataclasses.dataclass(frozen=True)
  class Odd:
    table: dict = dataclasses.field(default_factory=dict)

  with pytest.raises(TypeError, match="no flag for the field table of type <class 'dict'>; expected one of int, float"):
    flagging.define(Odd(), flags.FlagValues())


CONFIGS = (
  BenchmarkConfig,
  ControllerConfig,
  EvolutionConfig,
  NaoConfig,
  SharingConfig,
  *dict.fromkeys(
    type(part) for task in task_classes() for part in (task.child.network_config, task.child.training_config)
  ),
)


@pytest.mark.parametrize("config_class", CONFIGS)
def test_every_field_of_a_configuration_is_described(config_class):
  described = flagging.field_help(config_class)
  assert list(described) == [field.name for field in dataclasses.fields(config_class)]
  assert all(text.endswith(".") for text in described.values())
