"""One-shot searches by name, and what `nao_tf.search` refuses of them before the data is read."""

import numpy as np
import pytest

import nao_tf
from nao_tf.searches.one_shot import is_one_shot, one_shot_search
from nao_tf.searches.one_shot.gradients import DARTS, DARTS_FIRST, GDAS, SNAS
from nao_tf.searches.one_shot.planned import planned_one_shot_search
from nao_tf.tasks.task_input import task_input
from nao_tf.training.language_config import segment_lengths
from tests.supernets.relaxed.test_relaxed_trainer import SPACE, make_task


def test_names_and_places_are_told_from_strategies():
  place = "nao_tf.searches.one_shot.gradients:DARTS"
  assert is_one_shot("darts") and is_one_shot(place) and one_shot_search(place) is DARTS
  assert not any(map(is_one_shot, ("nao", "nao_tf.strategies.nao:Nao", None, DARTS)))
  with pytest.raises(ValueError, match="unknown one-shot search 'dart'; expected one of darts"):
    one_shot_search("dart")
  with pytest.raises(ValueError, match="expected an OneShotSearch"):
    one_shot_search("nao_tf.strategies.nao:Nao")


@pytest.mark.parametrize(
  ("given", "message"),
  [
    ({"evaluator": "training"}, "strategy='darts' .* has no evaluator; set the length of the training with epochs"),
    ({"executor": "processes", "num_workers": 2}, "has no executor, num_workers"),
    ({"num_trials": 5, "trials_per_batch": 1}, "has no num_trials, trials_per_batch"),
    ({"max_parameters": 5}, "has no max_parameters"),
  ],
)
def test_what_a_one_shot_search_has_not_is_refused(tmp_path, given, message):
  with pytest.raises(ValueError, match=message):
    nao_tf.search("no such task", strategy="darts", workdir=tmp_path / "run", **given)
  assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
  ("given", "message"),
  [
    ({"space": "nasnet5"}, "needs cells whose output has all nodes"),
    ({"filter": 3}, "unknown setting 'filter'; did you mean filters"),
    (
      {"relaxed_cost_wait": 3},
      "unknown setting 'relaxed_cost_wait'; expected one of relaxed_cost, relaxed_cost_weight",
    ),
    ({"relaxed_order": 3}, "order must be one of 0, 1, 2, got 3"),
    ({"shared_score": "loss"}, "unknown setting 'shared_score'"),
    ({"space": "nasbench201", "convention": "darts"}, "need convention=nasbench201 .* got the convention darts"),
  ],
)
def test_what_does_not_fit_is_refused_before_anything_is_written(tmp_path, given, message):
  with pytest.raises(ValueError, match=message):
    nao_tf.search(make_task(), strategy="darts", workdir=tmp_path / "run", **given)
  assert not (tmp_path / "run").exists()


def test_settings_say_what_is_searched_and_how():
  planned = planned_one_shot_search("unused", "snas", SPACE, lambda: task_input("digits"), None, {"filters": 2}, seed=3)
  assert planned.validation_fraction == 0.5 and planned.configs.network_config.filters == 2
  settings = planned.settings
  assert (settings["strategy"], settings["seed"], settings["options.order"]) == ("snas", 3, 0)
  assert settings["network.convention"] == "darts" and settings["training.epochs"] == 150
  ready = planned_one_shot_search("unused", "darts", SPACE, lambda: task_input(make_task()), None, {}, seed=0)
  assert ready.validation_fraction is None and ready.configs.training_config.batch_size < 64


def test_own_settings_of_a_search_are_named_as_its_flags():
  given = {"relaxed_cost_weight": 0.5, "filters": 2}
  planned = planned_one_shot_search("unused", "snas", SPACE, lambda: task_input(make_task()), None, given, seed=0)
  assert planned.config.cost_weight == 0.5 and planned.config.order == 0
  assert planned.settings["options.cost_weight"] == 0.5
  given = {"sampling_final_samples": 20, "shared_score": "reward"}
  planned = planned_one_shot_search("unused", "random_ws", SPACE, lambda: task_input(make_task()), None, given, seed=0)
  assert planned.config.final_samples == 20 and planned.settings["options.final_samples"] == 20
  assert planned.sharing.score == "reward" and planned.settings["sharing.score"] == "reward"


def test_strengths_of_recurrent_cells_have_rates_of_their_own():
  images, text = (DARTS.config_for(kind) for kind in ("images", "text"))
  assert (images.parameter_learning_rate, images.parameter_beta_1) == (3e-4, 0.5)
  assert (text.parameter_learning_rate, text.parameter_beta_1) == (3e-3, 0.9)
  training = DARTS.defaults_for("text").configs.training_config
  lengths = segment_lengths(training, 35 * 40, np.random.default_rng(0))
  assert set(lengths[:-1]) <= {35, 17} and 35 in lengths


@pytest.mark.parametrize(
  ("search", "space", "epochs"),
  [(DARTS, "darts", 50), (DARTS_FIRST, "darts", 50), (SNAS, "snas", 150), (GDAS, "darts", 250)],
)
def test_searches_by_gradients_train_weights_as_published(search, space, epochs):
  """Liu et al., ICLR 2019, section 3.1 and the release: plain momentum."""
  images = search.defaults_for("images")
  training, network = images.configs.training_config, images.configs.network_config
  assert (training.optimizer, training.momentum, training.nesterov, training.clip_norm) == ("SGD", 0.9, False, 5.0)
  assert (training.learning_rate, training.min_learning_rate, training.weight_decay) == (0.025, 0.001, 3e-4)
  assert (images.space, training.batch_size, training.epochs, network.filters) == (space, 64, epochs, 16)


def test_a_space_brings_the_convention_that_it_needs():
  planned = planned_one_shot_search("unused", "gdas", "nasbench201", lambda: task_input(make_task()), None, {}, seed=0)
  assert planned.configs.network_config.convention == "nasbench201"
