"""`nao-search --strategy=darts` and others: what is refused before any work, and a whole search."""

import pytest
from absl import flags

from nao_tf.runs.journal import read_trials
from nao_tf.searches.one_shot import ONE_SHOT_SEARCHES
from nao_tf.searches.one_shot.gradients import DARTS
from nao_tf.searches.reading import load
from nao_tf.searches.status import status_of
from nao_tf.tools import one_shot, one_shot_flags, search
from tests.support.command_line import parse
from tests.tools.test_flag_groups import checked
from tests.tools.test_tools import run

SMALL = (
  *("--task=digits", "--train_examples=64", "--shared_num_cells=1", "--shared_filters=2", "--shared_batch_size=32"),
  *("--shared_epochs=1", "--strategy=darts_first", "--space=tests.supernets.relaxed.test_relaxed_trainer:small_space"),
)
OWN = DARTS


def parsed(*argv):
  return parse(search, "--workdir=w", *argv)


@pytest.mark.parametrize(
  ("argv", "message"),
  [
    (["--evaluator=training"], "--evaluator has no effect here: it needs a --strategy that proposes architectures"),
    (["--executor=processes"], "--executor has no effect here"),
    (["--num_workers=2"], "--num_workers has no effect here"),
    (["--num_trials=5"], "--num_trials has no effect here"),
    (["--max_parameters=5"], "--max_parameters has no effect here"),
    (["--shared_pool_size=5"], "--shared_pool_size has no effect here"),
    (["--nao_ensemble_size=5"], "--nao_ensemble_size has no effect here"),
    (["--controller_mlp_size=5"], "--controller_mlp_size has no effect here"),
  ],
)
def test_flags_of_searches_that_propose_are_refused(argv, message):
  with pytest.raises(flags.Error, match=message):
    checked("--strategy=darts", *argv)


def test_a_search_by_sampling_has_paths_and_no_pool():
  checked(
    "--strategy=enas", "--sampling_units=5", "--shared_score=reward", "--noshared_weights_per_input", "--rerank=2"
  )
  for argv in (["--strategy=enas", "--shared_pool_size=5"], ["--strategy=random_ws", "--shared_sampling=parameters"]):
    with pytest.raises(flags.Error, match="--shared_.* has no effect here: it needs --evaluator=shared_weights"):
      checked(*argv)
  with pytest.raises(flags.Error, match="--sampling_units has no effect here: it needs --strategy=enas or random_ws"):
    checked("--strategy=darts", "--sampling_units=5")


def test_settings_of_a_search_by_gradients_need_one():
  checked("--strategy=darts", "--relaxed_order=1", "--shared_epochs=5", "--child_epochs=5", "--rerank=2")
  with pytest.raises(flags.Error, match="--relaxed_order has no effect here: it needs --strategy=darts or"):
    checked("--relaxed_order=1")


@pytest.mark.parametrize(
  ("argv", "message"),
  [
    (["--space=nasnet5"], "--strategy=darts --space=nasnet5: .* needs cells whose output has all nodes"),
    (["--space=nasbench101"], "needs cells whose output has all nodes"),
    (["--relaxed_order=3"], "--relaxed_order must be one of 0, 1, 2, got 3"),
    (["--shared_num_cells=0"], "--shared_num_cells must be at least 1"),
  ],
)
def test_what_does_not_fit_is_refused_before_the_data_is_read(argv, message):
  with pytest.raises(ValueError, match=message):
    search.check(parsed("--strategy=darts", *argv))


@pytest.mark.parametrize("name", ONE_SHOT_SEARCHES)
def test_each_search_has_its_own_defaults(name):
  values = parsed(f"--strategy={name}")
  search.check(values)
  chosen = one_shot_flags.chosen(values)
  defaults = chosen.defaults["images"]
  assert one_shot_flags.config(chosen, values) == chosen.config_for("images")
  assert values.space == defaults.space and values.validation_fraction == defaults.validation_fraction
  settings = one_shot.settings(chosen, values)
  assert settings["strategy"] == name and settings["shared_training.epochs"] >= 50
  convention = defaults.configs.network_config.convention
  assert settings["network.convention"] == settings["shared_network.convention"] == convention


def test_on_a_text_recurrent_cells_are_searched():
  values = parsed("--strategy=darts", "--task=python_reference")
  search.check(values)
  assert (values.space, values.validation_fraction) == ("rnn9", None)
  assert search.settings(values)["shared_network.units"] == 300
  with pytest.raises(ValueError, match="needs recurrent cells"):
    search.check(parsed("--strategy=darts", "--task=python_reference", "--space=darts"))


def test_a_search_of_ones_own_is_named_by_its_place():
  values = parsed("--strategy=tests.tools.test_one_shot:OWN", "--validation_fraction=0.25")
  search.check(values)
  assert one_shot_flags.chosen(values) is OWN and values.validation_fraction == 0.25


GRADIENTS = ("--validation_fraction=0.5", "--relaxed_parameter_learning_rate=0.5")
PATHS = ("--sampling_epoch_samples=2", "--sampling_final_samples=2", "--sampling_final_count=1")
SHARED = ("--evaluator=shared_weights", "--num_trials=2", "--shared_pool_size=2", "--shared_reference_size=2")


@pytest.mark.parametrize(
  ("strategy", "options"),
  [
    ("snas", GRADIENTS),
    ("random_ws", PATHS),
    *(pytest.param(name, GRADIENTS, marks=pytest.mark.slow) for name in ("darts", "darts_first", "gdas")),
    pytest.param(
      "enas", (*PATHS, "--sampling_policy_steps=1", "--sampling_samples_per_step=2"), marks=pytest.mark.slow
    ),
    pytest.param("nao", SHARED, marks=pytest.mark.slow),
  ],
)
def test_branches_may_be_absent_in_every_search_of_shared_weights(strategy, options, tmp_path, no_graphs):
  space = "--space=tests.support.tiny_cells:absent"
  conventions = ("--shared_convention=darts", "--child_convention=darts", "--noshared_auxiliary", "--nochild_auxiliary")
  argv = (*SMALL[:5], "--shared_epochs=1", f"--strategy={strategy}", space, *conventions, *options)
  assert run(search, f"--workdir={tmp_path}", *argv) == 0
  assert load(tmp_path).best.reward is not None
  assert (tmp_path / "report.html").exists()


def test_a_search_runs_to_its_end_and_goes_on_from_its_directory_alone(tmp_path, no_graphs):
  assert run(search, f"--workdir={tmp_path}", *SMALL) == 0
  trials = read_trials(str(tmp_path))
  assert [trial.origin.kind for trial in trials] == ["derived"]
  status = status_of(str(tmp_path))
  assert (status.done, status.total, status.best["trial"]) == (1, 1, 0)
  assert "Choice probabilities" in (tmp_path / "report.html").read_text()
  assert run(search, f"--workdir={tmp_path}", *SMALL) == 0
  assert read_trials(str(tmp_path)) == trials and load(tmp_path).best == trials[-1]
