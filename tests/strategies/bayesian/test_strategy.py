"""Bayesian optimization proposes architectures."""

import dataclasses

import numpy as np
import pytest

from nao_tf.spaces import make_space
from nao_tf.spaces.base import Decision, SearchSpace
from nao_tf.strategies import make_strategy
from nao_tf.strategies.bayesian.config import PRESETS, BayesianConfig
from nao_tf.trial import Evaluation, Trial
from tests.support import asking
from tests.support.toys import ToySpace

SPACE = make_space("nasbench201")


class Steps(SearchSpace):
  name = "steps"
  decisions = (Decision("step", 8, ordered=True),) * 4

  def decode(self, architecture):
    return architecture


def convolutions(architecture):
  return float(sum(choice == 3 for choice in architecture))


def search(score, num_trials, batch_size=1, space=SPACE, seed=0, **settings):
  config = BayesianConfig(**{"num_candidates": 30, **settings})
  return asking.search(make_strategy("bayesian", space, seed=seed, config=config), score, num_trials, batch_size)


@pytest.mark.parametrize(
  "settings",
  [
    {"kernel": "otmann"},
    {"kernel": "edit"},
    {"kernel": "edit", "acquisition": "ucb", "search": "annealing", "target": "rewards", "exploration": 0.5},
    {"kernel": "decisions"},
  ],
)
def test_it_learns_what_is_good(settings):
  searches = [search(convolutions, 28, 6, seed=seed, **settings) for seed in range(3)]
  assert [trial.origin.kind for trial in searches[0][:12]] == ["random"] * 12
  assert (
    np.mean([trial.reward for trials in searches for trial in trials[18:]]) > 6 / 5 + 1
  )  # A random architecture has 6/5 in the mean.


def test_numbers_are_searched_by_their_order():
  trials = search(lambda a: -float(sum((choice - 5) ** 2 for choice in a)), 40, 5, Steps())
  assert max(trial.reward for trial in trials) >= -2


def test_failures_are_avoided():
  trials = search(lambda a: None if a[0] < 3 else 1.0 + a[1], 36, 4, kernel="decisions")
  assert np.mean([trial.reward is None for trial in trials[20:]]) < 0.4  # 60 % of random architectures fail.


def test_the_proposals_of_a_batch_differ_by_more_than_a_step():
  strategy = make_strategy("bayesian", SPACE, config=BayesianConfig(kernel="decisions", num_candidates=50))
  asking.search(strategy, convolutions, 12, 12)
  batch = strategy.ask(5)
  apart = [sum(a != b for a, b in zip(one, other)) for one in batch for other in batch if one != other]
  assert np.mean(apart) > 1.5


def test_what_is_under_way_counts_as_evaluated():
  """Without it the second proposal would be the next best one, beside the first."""
  strategy = make_strategy("bayesian", SPACE, config=BayesianConfig(kernel="decisions"))
  asking.search(strategy, convolutions, 12, 12)
  (first,) = strategy.ask(1)
  assert strategy.pending == [first]
  (second,) = strategy.ask(1)
  assert strategy.pending == [first, second] and first != second
  strategy.tell([Trial(12, first, evaluation=Evaluation(1.0))])
  assert strategy.pending == [second]


def test_what_is_on_record_is_not_computed_again(tmp_path, monkeypatch):
  config = BayesianConfig(kernel="decisions", num_candidates=20)
  strategy = make_strategy("bayesian", SPACE, config=config)
  trials = asking.search(strategy, convolutions, 20, 4)
  strategy.save(str(tmp_path))
  again = make_strategy("bayesian", SPACE, config=config)
  assert again.restore(str(tmp_path)) == 16
  monkeypatch.setattr(again, "_best_candidates", None)
  assert asking.search(again, convolutions, 20, 4) == trials
  other = make_strategy("bayesian", SPACE, config=dataclasses.replace(config, exploration=1.0))
  assert other.restore(str(tmp_path)) == 0


def test_a_damaged_record_is_left_out(tmp_path, caplog):
  (tmp_path / "proposals.json").write_text("{}")
  assert make_strategy("bayesian", SPACE).restore(str(tmp_path)) == 0
  assert "the proposals are computed again" in caplog.text


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_for_any_space_of_networks(name):
  assert len(make_strategy("bayesian", make_space("rnn12"), config=PRESETS[name]).ask(2)) == 2


def test_a_kernel_of_networks_needs_networks():
  with pytest.raises(ValueError, match="--bayesian_kernel=otmann compares networks"):
    make_strategy("bayesian", ToySpace(), config=PRESETS["nasbot"])


@pytest.mark.parametrize(
  "name, value, expected",
  [
    ("kernel", "linear", "otmann"),
    ("acquisition", "pi", "ei, ucb"),
    ("search", "grid", "evolution, annealing"),
    ("target", "errors", "ranks, rewards"),
    ("exploration", -1.0, "at least 0"),
    ("num_initial", 0, "at least 1"),
    ("num_candidates", -1, "at least 0"),
  ],
)
def test_wrong_settings_are_refused_by_name(name, value, expected):
  with pytest.raises(ValueError, match=f"{expected}.*{name}|{name}.*{expected}"):
    BayesianConfig(**{name: value})
