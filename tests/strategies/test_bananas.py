"""An ensemble over path encodings proposes architectures."""

import numpy as np
import pytest

from nao_tf.spaces import make_space
from nao_tf.spaces.base import Decision, SearchSpace
from nao_tf.strategies import make_strategy
from nao_tf.strategies.bananas_config import PRESETS, BananasConfig
from tests.support import asking

SPACE = make_space("nasbench201")
SMALL = {"ensemble_size": 3, "units": 16, "num_epochs": 60}


class Choices(SearchSpace):
  name = "choices"
  decisions = (Decision("choice", 4),) * 6

  def decode(self, architecture):
    return architecture


def convolutions(architecture):
  return float(sum(choice == 3 for choice in architecture))


def search(score, num_trials, batch_size=10, space=SPACE, **settings):
  config = BananasConfig(**{**SMALL, **settings})
  return asking.search(make_strategy("bananas", space, config=config), score, num_trials, batch_size)


@pytest.mark.parametrize("space", [SPACE, Choices()], ids=lambda space: space.name)
def test_it_learns_what_is_good(space):
  trials = search(convolutions, 50, space=space)
  assert [trial.origin.kind for trial in trials] == ["random"] * 10 + ["mutation"] * 40
  assert np.mean([trial.reward for trial in trials[30:]]) > np.mean([trial.reward for trial in trials[:10]]) + 1
  assert max(trial.reward for trial in trials) >= 5


def test_failures_are_avoided():
  trials = search(lambda a: None if a[5] < 3 else 1.0 + (a[0] == 3), 50)
  assert np.mean([trial.reward is None for trial in trials[30:]]) < 0.4  # 60 % of random architectures fail.


def test_a_round_is_proposed_before_the_predictors_are_trained_again(monkeypatch):
  strategy = make_strategy("bananas", SPACE, config=BananasConfig(**SMALL))
  asking.search(strategy, convolutions, 16, 4)  # 12 random ones, and 4 of the first round of 10.
  monkeypatch.setattr(strategy, "_round", None)
  assert all(strategy.origin(architecture).kind == "mutation" for architecture in strategy.ask(4) + strategy.ask(2))


def test_the_paper_has_ten_layers():
  predictor = make_strategy("bananas", SPACE, config=PRESETS["paper"])._trained(np.eye(4), np.arange(4.0), 0)
  assert predictor.hidden_layer_sizes == (20,) * 10


@pytest.mark.parametrize(
  "name, value",
  [("num_initial", 0), ("ensemble_size", 0), ("num_paths", -1), ("learning_rate", 0.0), ("target", "errors")],
)
def test_wrong_settings_are_refused_by_name(name, value):
  with pytest.raises(ValueError, match=name):
    BananasConfig(**{name: value})
