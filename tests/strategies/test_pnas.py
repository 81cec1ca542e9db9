"""Progressive search goes from small architectures to large ones, and its predictor ranks what is larger."""

import numpy as np
import pytest

from nao_tf.spaces import make_space
from nao_tf.spaces.growth import growth_of
from nao_tf.spaces.pnas import PnasSpace
from nao_tf.strategies import make_strategy
from nao_tf.strategies.pnas import PRESETS, PnasConfig
from nao_tf.strategies.predictor_ensemble import PredictorEnsemble
from tests.support import asking

SPACE = make_space("pnas")
CONFIG = PnasConfig(beam_size=6, num_smallest=8, ensemble_size=2, units=8)


WORTH = (0.7, 1.0, 0.6, 0.3, 0.2, 0.0, 0.1, 0.4)
"""Of the operations."""


def worth(architecture):
  """A reward that a small cell tells about a large one: good operations, and few reads of input 0."""
  branches = [branch for block in SPACE.blocks(architecture) for branch in block]
  return float(np.mean([WORTH[operation] - 0.5 * (source == 0) - 0.05 * source for source, operation in branches]))


@pytest.fixture(scope="module")
def finished():
  strategy = make_strategy("pnas", SPACE, config=CONFIG)
  return strategy, asking.search(strategy, worth, 44, batch_size=4)


def test_sizes_come_one_after_the_other(finished):
  _, trials = finished
  sizes = [SPACE.growth.size_of(trial.architecture) for trial in trials if trial.origin.kind != "random"]
  assert sizes == sorted(sizes) and [sizes.count(size) for size in (1, 2, 3, 4)] == [8, 8, 8, 8] and max(sizes) == 5


def test_the_best_of_a_size_are_extended(finished):
  _, trials = finished
  for trial in trials:
    if trial.origin.kind == "grown" and SPACE.growth.size_of(trial.architecture) < 5:
      (parent,) = (trials[i] for i in trial.origin.parents)
      rivals = [
        t.reward for t in trials[: trial.id] if SPACE.growth.size_of(t.architecture) == parent.architecture[0] + 1
      ]
      assert SPACE.growth.size_of(trial.architecture) == SPACE.growth.size_of(parent.architecture) + 1
      assert parent.reward in sorted(rivals)[-CONFIG.beam_size :]


def test_it_beats_random_search_and_stays_at_the_largest_size(finished):
  _, trials = finished
  by_chance = asking.search(make_strategy("random", SPACE), worth, 44)
  assert np.mean([t.reward for t in trials[-10:]]) > np.mean([t.reward for t in by_chance]) + 0.2
  assert {trial.origin.kind for trial in trials[-10:]} <= {"grown", "neighbor"}


def test_the_rank_correlation_of_each_extrapolation_is_known(finished):
  strategy, trials = finished
  extrapolations = strategy.extrapolations()
  assert [row.size for row in extrapolations[:4]] == [2, 3, 4, 5]
  assert sum(row.num_measured for row in extrapolations) == sum(t.origin.kind in ("grown", "neighbor") for t in trials)
  assert all(row.correlation is None or -1 <= row.correlation <= 1 for row in extrapolations)
  proposed = [trial for trial in trials if trial.origin.kind == "grown"]
  assert all(strategy.prediction(trial.architecture).asked_before <= trial.id for trial in proposed)
  assert strategy.prediction(trials[0].architecture) is None


def test_all_the_smallest_are_evaluated_on_request():
  strategy = make_strategy("pnas", SPACE, config=PnasConfig(num_smallest=0))
  asked = strategy.ask(136)
  assert {SPACE.canonical(a) for a in asked} == {SPACE.canonical(a) for a in SPACE.growth.smallest()}
  assert PRESETS["paper"].beam_size == 256 and PRESETS["paper"].num_smallest == 0


def test_what_fails_is_not_extended():
  strategy = make_strategy("pnas", SPACE, config=CONFIG)
  trials = asking.search(strategy, lambda a: None if a[0] == 0 and a[2] % 2 else worth(a), 16, batch_size=4)
  failed = {trial.id for trial in trials if trial.reward is None}
  assert failed and not failed & {parent for trial in trials for parent in trial.origin.parents}


def test_cells_of_nasbench101_grow_by_vertices():
  space = make_space("nasbench101")
  strategy = make_strategy("pnas", space, config=CONFIG)
  growth = growth_of(space)
  trials = asking.search(strategy, lambda a: growth.features(a).get("convolutions on a path", 0.0), 31)
  sizes = [growth.size_of(trial.architecture) for trial in trials]
  assert sizes == sorted(sizes) and [sizes.count(size) for size in (1, 2, 3, 4, 5)] == [7, 6, 6, 6, 6]


def test_a_space_of_one_size_is_searched_whole():
  space = PnasSpace("tiny", ("sep3x3", "identity"), max_blocks=1)
  trials = asking.search(make_strategy("pnas", space, config=CONFIG), lambda a: float(sum(a)), 10, batch_size=3)
  assert len({space.canonical(trial.architecture) for trial in trials}) == 10


def test_an_ensemble_ranks_what_it_has_not_seen():
  rng = np.random.default_rng(0)
  rows = [{"a": x, "b": y} for x, y in rng.normal(size=(60, 2))]
  rewards = [row["a"] - 2 * row["b"] for row in rows]
  ensemble = PredictorEnsemble(rows[:40], [*rewards[:39], -1e9], num_members=3, units=8, seed=0)
  predicted = ensemble.predict([{**row, "unknown": 5.0} for row in rows[40:]])
  assert np.corrcoef(predicted, rewards[40:])[0, 1] > 0.8


def test_an_ensemble_of_two_examples_is_fitted():
  ensemble = PredictorEnsemble([{"a": 0.0}, {"a": 1.0}], [0.0, 1.0], num_members=5, units=4, seed=0)
  assert ensemble.predict([{}]).shape == (1,)


@pytest.mark.parametrize("name", ["beam_size", "ensemble_size", "units"])
def test_sizes_below_one_are_refused(name):
  with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
    PnasConfig(**{name: 0})
