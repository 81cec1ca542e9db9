"""Flags follow from what a class declares."""

import dataclasses

import pytest
from absl import flags

from nao_tf.controller.config import make_config
from nao_tf.strategies import STRATEGIES, strategy_class
from nao_tf.strategies.evolution import EvolutionConfig
from nao_tf.strategies.nao_config import PRESETS, NaoConfig
from nao_tf.tools import strategy_flags
from tests.support.outside import OrderConfig

OUTSIDE = "tests.support.outside:LongestFirst"


def parse(*argv, **options):
  values, argv = flags.FlagValues(), ["program", *argv]
  flags.DEFINE_string("strategy", None, "a strategy", flag_values=values)
  flags.DEFINE_list("strategies", [], "strategies", flag_values=values)
  strategy_flags.define(values, argv, **options)
  values(argv)
  return values


def test_without_flags_a_strategy_has_its_defaults():
  values = parse()
  assert strategy_flags.config("nao", values) == NaoConfig()
  assert strategy_flags.config("evolution", values) == EvolutionConfig()
  assert strategy_flags.config("random", values) is None
  assert strategy_flags.options("random", values) == {}


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_registered_strategy_has_a_flag_for_each_of_its_settings(name):
  values, cls = parse(), strategy_class(name)
  config = strategy_flags.config(name, values)
  assert config == (cls.presets.get("default") or (cls.config_class and cls.config_class()))
  for field in dataclasses.fields(config) if config else ():
    assert f"{name}_{field.name}" in values


def test_a_flag_for_each_field_changes_what_the_preset_says():
  values = parse("--nao_preset=paper", "--nao_num_initial=30", "--evolution_tournament_size=5")
  assert strategy_flags.config("nao", values) == dataclasses.replace(PRESETS["paper"], num_initial=30)
  assert strategy_flags.options("evolution", values) == {"config": EvolutionConfig(tournament_size=5)}


def test_a_part_has_flags_and_presets_of_its_own():
  values = parse("--nao_preset=paper", "--nao_controller=nao_ws_cnn", "--controller_mlp_size=7")
  config = strategy_flags.config("nao", values)
  assert config.controller == dataclasses.replace(make_config("nao_ws_cnn"), mlp_size=7)
  assert strategy_flags.config("nao", parse("--controller_mlp_size=7")).controller.mlp_size == 7
  assert config.num_initial == PRESETS["paper"].num_initial


def test_the_default_preset_can_be_another():
  values = parse(presets={"nao": "hyperparameters"})
  assert strategy_flags.config("nao", values) == PRESETS["hyperparameters"]


def test_a_strategy_of_ones_own_has_flags_when_the_command_line_names_it():
  values = parse(f"--strategy={OUTSIDE}", "--longest_first_by=zeros")
  assert strategy_flags.config(OUTSIDE, values) == OrderConfig(by="zeros")
  assert values["longest_first_skip"].help == "so many architectures are left out at the beginning."
  assert "longest_first_by" not in parse()


@pytest.mark.parametrize(
  "argv",
  [
    ["--strategy", OUTSIDE],
    ["--strategies=random,nao," + OUTSIDE],
    ["--nao_num_initial", "5", "--strategy=nao", f"--strategy={OUTSIDE}"],
  ],
)
def test_it_may_be_named_in_any_form(argv):
  assert "longest_first_by" in parse(*argv)


def test_also_in_a_flagfile(tmp_path):
  path = tmp_path / "a.flags"
  path.write_text(f"--longest_first_skip=3\n--strategy={OUTSIDE}\n")
  assert strategy_flags.config(OUTSIDE, parse(f"--flagfile={path}")) == OrderConfig(skip=3)


def test_a_registered_strategy_may_be_named_by_its_place():
  place = "nao_tf.strategies.evolution:Evolution"
  values = parse(f"--strategy={place}", "--evolution_tournament_size=5")
  assert strategy_flags.config(place, values).tournament_size == 5


def test_two_with_flags_of_the_same_name_are_refused():
  with pytest.raises(ValueError, match="flags that begin with --evolution_; rename .*Evolution"):
    parse("--strategy=tests.tools.test_component_flags:Evolution")


def test_what_is_no_strategy_is_refused():
  with pytest.raises(ValueError, match="expected a subclass of Strategy, got <function not_a_strategy"):
    parse("--strategy=tests.support.outside:not_a_strategy")


def test_parts_of_one_name_share_their_flags():
  place = "tests.tools.test_component_flags:MyNao"
  values = parse(f"--strategy={place}", "--my_nao_controller=torch", "--controller_mlp_size=7", "--my_nao_num_seeds=3")
  controller = dataclasses.replace(make_config("torch"), mlp_size=7)
  assert strategy_flags.config(place, values) == NaoConfig(controller=controller, num_seeds=3)
  assert strategy_flags.config("nao", values).controller == dataclasses.replace(make_config("default"), mlp_size=7)


def test_a_name_that_is_unknown_is_left_to_the_flag():
  assert parse("--strategy=magic").strategy == "magic"


class MyNao(strategy_class("random")):
  """A strategy of one's own with the settings of NAO, without presets."""

  config_class = NaoConfig


class Evolution(strategy_class("random")):
  """A strategy of one's own with the name of a registered one, and settings."""

  config_class = EvolutionConfig
