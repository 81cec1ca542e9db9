"""Flags that mean nothing are refused, whatever they are."""

import importlib

import pytest
from absl import flags

from nao_tf.tools import benchmark_rungs, flag_groups, help_text, search, train
from tests.tools.test_parsing import TOOLS

REQUIRED = "--workdir=w"


def checked(*argv, tool=search):
  values = flags.FlagValues()
  tool.define_flags(values)
  line = ["nao-search", REQUIRED, *argv]
  values(line)
  flag_groups.check(values, line)
  return values


@pytest.mark.parametrize(
  ("argv", "message"),
  [
    (["--strategy=random", "--nao_ensemble_size=5"], "--nao_ensemble_size has no effect here: it needs --strategy=nao"),
    (["--strategy=random", "--controller_mlp_size=5"], "--controller_mlp_size has no effect here"),
    (["--evolution_population_size=5"], "it needs --strategy=evolution, got --strategy=nao"),
    (["--best_epochs=5"], "--best_epochs has no effect here: it needs --train_best, got --notrain_best"),
    (
      ["--export_precision=float16"],
      "--export_precision has no effect here: it needs --train_best, got --notrain_best",
    ),
    (["--nobest_auxiliary"], "--best_auxiliary has no effect here"),
    (["--shared_epochs=5"], "it needs --evaluator=shared_weights, got --evaluator=training"),
    (["--table=a.npz"], "it needs --evaluator=tabular, got --evaluator=training"),
    (["--evaluator=tabular", "--table=a.npz", "--child_epochs=5"], "it needs an evaluator that trains networks"),
    (["--text_dir=a"], "it needs a task on a text, got --task=digits"),
    (["--task=ptb", "--image_size=5"], "it needs a task on images, got --task=ptb"),
    (["--image_dir=a"], "it needs --task=folder, got --task=digits"),
  ],
)
def test_a_flag_that_means_nothing_is_refused_with_what_it_needs(argv, message):
  with pytest.raises(flags.Error, match=message):
    checked(*argv)


@pytest.mark.parametrize(
  "argv",
  [
    ["--nao_ensemble_size=5", "--controller_mlp_size=5"],
    ["--strategy=nao_tf.strategies.nao:Nao", "--nao_ensemble_size=5"],
    ["--train_best", "--best_epochs=5"],
    ["--evaluator=shared_weights", "--shared_epochs=5", "--child_epochs=4"],
    ["--evaluator=mine:Mine", "--shared_epochs=5", "--table=a.npz"],
    ["--task=mine:Mine", "--text_dir=a", "--image_dir=a"],
  ],
)
def test_a_flag_that_means_something_is_not(argv):
  checked(*argv)


def test_a_flagfile_is_excused_if_the_command_line_decides_otherwise(tmp_path):
  (tmp_path / "a.flags").write_text("--strategy=nao\n--nao_ensemble_size=5\n--train_best\n--best_epochs=3\n")
  flagfile = f"--flagfile={tmp_path}/a.flags"
  checked(flagfile)
  checked(flagfile, "--strategy=random", "--notrain_best")
  with pytest.raises(flags.Error, match="nao_ensemble_size"):
    checked(flagfile, "--strategy=random", "--nao_ensemble_size=4")


def test_a_flagfile_that_contradicts_itself_is_refused(tmp_path):
  (tmp_path / "a.flags").write_text("--strategy=random\n--nao_ensemble_size=5\n")
  with pytest.raises(flags.Error, match="nao_ensemble_size"):
    checked(f"--flagfile={tmp_path}/a.flags")


def test_a_flag_out_of_range_is_named_as_a_flag():
  values = checked("--child_num_cells=0")
  with pytest.raises(ValueError, match=r"^--child_num_cells must be at least 1, got 0"):
    search.check(values)
  values = checked("--architecture=NAONet-WS", "--stem=imagenet", "--filters=2", tool=train)
  with pytest.raises(ValueError, match=r"^--filters=2 --stem=imagenet: the imagenet stem needs"):
    train.final_configs(values)
  values = checked("--task=ptb", "--space=rnn12", "--child_units=0")
  with pytest.raises(ValueError, match=r"^--child_units must be at least 1"):
    search.check(values)
  values = checked("--nao_ensemble_size=0")
  with pytest.raises(ValueError, match=r"^--nao_ensemble_size must be at least 1"):
    search.check(values)


@pytest.mark.parametrize("tool", TOOLS)
def test_each_flag_of_a_command_has_a_theme(tool):
  values = flags.FlagValues()
  importlib.import_module(f"nao_tf.tools.{tool}").define_flags(values)
  among = flag_groups.groups(values)
  assert [name for name in values if flag_groups.group_of(name, among) is None] == []


def test_the_help_has_the_flags_by_theme_with_defaults_and_choices():
  values = flags.FlagValues()
  search.define_flags(values)
  text = help_text.text_of("Searches.", values, {name: values[name] for name in values})
  themes = [line for line in text.split("\n") if line and line[0] != " " and line.endswith(":")]
  assert themes[:3] == ["The run:", "The task and its data:", "The search:"] and "Further flags:" not in themes
  assert all(f"  --{'[no]' if values[name].boolean else ''}{name}" in text for name in values)
  assert "evolution: regularized evolution" in text and "Default: nasnet5." in text


def test_the_help_of_a_command_has_the_choices_that_it_takes():
  values = flags.FlagValues()
  benchmark_rungs.define_flags(values)
  text = help_text.text_of("Compares.", values, {name: values[name] for name in values})
  assert "evolution: regularized evolution" in text and "gradient-based search" not in text
  with pytest.raises(flags.IllegalFlagValueError, match="unknown strategy 'darts'"):
    values(["tool", "--strategies=darts"])


@pytest.mark.parametrize("tool", TOOLS)
def test_the_help_says_that_nothing_is_the_default(tool):
  values = flags.FlagValues()
  importlib.import_module(f"nao_tf.tools.{tool}").define_flags(values)
  text = help_text.text_of("Works.", values, {name: values[name] for name in values})
  assert "Default: ." not in text
