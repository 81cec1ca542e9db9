"""ENAS and random search with weight sharing: their declarations, and whole searches in a directory."""

import dataclasses

import pytest
import tensorflow as tf

from nao_tf.reports import REPORT_FILE
from nao_tf.runs.journal import read_trials
from nao_tf.runs.shares import read_shares
from nao_tf.searches.one_shot.base import OneShotContext
from nao_tf.searches.one_shot.running import finalists, run_one_shot_search
from nao_tf.searches.one_shot.sampling import ENAS, RANDOM_WS
from nao_tf.spaces import make_space
from nao_tf.supernets.config import SharingConfig
from nao_tf.tasks.base import Configs
from tests.supernets.sampling.test_trainer import CELLS, MODEL, TEXT, text_trainer
from tests.support.events import assert_curves_are_those_of_the_journal, scalars
from tests.support.toy_text import toy_task

SETTINGS = {"space": CELLS.name, "seed": 3}


@pytest.mark.parametrize("search", [ENAS, RANDOM_WS], ids=["enas", "random_ws"])
def test_each_kind_of_task_has_a_space_that_can_be_searched(search):
  for kind, defaults in search.defaults.items():
    defaults.check_space(make_space(defaults.space))
    other = {"images": "rnn12", "text": "nasnet5"}[kind]
    with pytest.raises(ValueError, match=f"{other}: sampled paths of "):
      defaults.check_space(make_space(other))


def test_the_declarations_have_the_published_numbers():
  enas, text = (ENAS.defaults[kind].configs for kind in ("images", "text"))
  assert (enas.network_config.filters, enas.training_config.batch_size, enas.training_config.epochs) == (20, 160, 150)
  assert (text.network_config.units, text.training_config.clip_norm, text.training_config.batch_size) == (200, 0.1, 128)
  assert ENAS.config_for("text").temperature == 5.0 and ENAS.config_for("images").temperature == 1.0
  assert RANDOM_WS.config_for("images").distinct_inputs and not RANDOM_WS.config_for("text").distinct_inputs


def make_trainer(search):
  config = dataclasses.replace(search.config_for("text"), epoch_samples=2, final_samples=3, final_count=2)
  config = dataclasses.replace(config, policy_steps=min(2, config.policy_steps), samples_per_step=2, units=4)
  context = OneShotContext(
    toy_task(),
    CELLS,
    Configs(MODEL, TEXT),
    config,
    SharingConfig(),
    distribution=tf.distribute.get_strategy(),
    seed=3,
  )
  return search.make_trainer(context)


@pytest.mark.parametrize("search", [ENAS, RANDOM_WS], ids=["enas", "random_ws"])
def test_a_search_ends_with_the_best_that_was_drawn_and_goes_on_from_its_directory(search, tmp_path):
  def run():
    return run_one_shot_search(str(tmp_path), SETTINGS, CELLS, make_trainer(search))

  winner, trials = run(), read_trials(str(tmp_path))
  assert [trial.origin.kind for trial in trials] == ["derived"] * 2 + ["drawn"] * 2
  assert winner.reward == max(trial.reward for trial in trials[2:])
  assert {"entropy", "train_loss", "perplexity"} <= set(trials[0].evaluation.metrics)
  assert ("mean_reward" in trials[0].evaluation.metrics) == (search is ENAS)
  assert (tmp_path / REPORT_FILE).exists() and finalists(trials, CELLS, 1) == [winner]
  assert set(read_shares(str(tmp_path))) == ({1, 2} if search is ENAS else set())
  assert run() == winner and read_trials(str(tmp_path)) == trials
  assert_curves_are_those_of_the_journal(tmp_path, trials[:2])
  assert len(scalars(tmp_path / "tensorboard")["search/reward"]) == 4


def test_shares_have_a_probability_for_each_choice():
  shares = text_trainer().shares()
  assert len(shares) == len(CELLS.decisions)
  assert shares[5].group == "activations" and set(shares[5].choices) == {"tanh", "relu", "sigmoid", "identity"}
  assert all(sum(row.values) == pytest.approx(1.0, abs=1e-5) for row in shares)
