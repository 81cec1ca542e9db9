import dataclasses

import numpy as np
import pytest

from nao_tf.controller.config import ControllerConfig, make_config
from nao_tf.spaces.base import Decision, SearchSpace
from nao_tf.strategies.nao import PRESETS, Nao
from nao_tf.strategies.nao_decoding import mutated
from nao_tf.strategies.trust_region import radius
from nao_tf.trial import RANDOM, Evaluation, Origin, Trial
from tests.support import asking
from tests.support.without_graphs import without_graphs

QUICK = dataclasses.replace(
  PRESETS["rounds"],
  controller=ControllerConfig(num_steps=200, decoder_every=1),
  ensemble_size=2,
  num_initial=12,
  round_size=6,
  num_seeds=6,
  step_sizes=(0.25, 0.5, 1.0, 2.0),
  oversampling=4.0,
  num_unlabeled=64,
)
FEW_STEPS = dataclasses.replace(
  QUICK,
  controller=ControllerConfig(num_steps=3, later_steps=2, min_passes=0, encoder_size=8, num_encodings=2),
  num_unlabeled=16,
)
"""Rounds as they are, after a training that is too short to learn from: over before graphs of it are traced."""


SMALL_ROUNDS = dataclasses.replace(
  PRESETS["default"],
  controller=ControllerConfig(num_steps=60, later_steps=10, encoder_size=16, num_encodings=1, decoder_every=1),
  ensemble_size=1,
  num_unlabeled=32,
)


class RowSpace(SearchSpace):
  """Six choices of four."""

  name = "row"
  decisions = (Decision("choice", 4),) * 6

  def decode(self, architecture):
    self.validate(architecture)
    return architecture


def reward(architecture):
  """The share of choices that are 3: the best row is all threes."""
  return float(np.mean([choice == 3 for choice in architecture]))


def run_on(strategy, trials, count):
  """Goes on with a search of `trials`, one at a time."""
  for number in range(len(trials), len(trials) + count):
    (architecture,) = strategy.ask(1)
    strategy.tell([Trial(number, architecture, evaluation=Evaluation(reward(architecture)))])


def run(strategy, num_trials, batch_size=6, **options):
  return asking.search(strategy, reward, num_trials, batch_size, **options)


@pytest.fixture(scope="module")
def trials():
  return run(Nao(RowSpace(), seed=1, config=QUICK), 48)


def test_a_search_begins_at_random_and_goes_on_by_ascent(trials):
  assert {trial.origin for trial in trials[:12]} == {RANDOM}
  assert all(trial.origin.kind == "ascent" for trial in trials[12:24])


def test_later_rounds_are_better_than_random_ones(trials):
  # 4096 rows, 25 % of the choices are 3 on average, standard deviation of a mean of 12 rows 5 %.
  assert np.mean([trial.reward for trial in trials[:12]]) < 0.45 < np.mean([trial.reward for trial in trials[-12:]])
  assert max(trial.reward for trial in trials) == 1.0


def test_an_ascent_starts_from_a_trial_that_was_told_before(trials):
  for trial in trials:
    if trial.origin != RANDOM:
      (parent,) = trial.origin.parents
      assert parent < trial.id


@pytest.fixture(scope="module")
def few_steps():
  """Two rounds of a strategy that was trained for a few steps, and the strategy."""
  strategy = Nao(RowSpace(), seed=1, config=FEW_STEPS)
  with without_graphs():
    return strategy, run(strategy, 24)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
  """The directory of the cache of such a strategy after one round, and what is in it."""
  directory = tmp_path_factory.mktemp("saved")
  strategy = Nao(RowSpace(), seed=1, config=FEW_STEPS)
  with without_graphs():
    run(strategy, 18)
  strategy.save(str(directory))
  with np.load(directory / "nao.npz") as file:
    return directory, dict(file)


def test_restored_the_rounds_need_no_fit_and_the_next_one_is_the_same(few_steps, saved, no_graphs):
  resumed = Nao(RowSpace(), seed=1, config=FEW_STEPS)
  assert resumed.restore(str(saved[0])) == 12
  assert run(resumed, 24) == few_steps[1]


def test_every_proposal_of_a_round_has_a_prediction_which_the_cache_keeps(few_steps, tmp_path):
  strategy, trials = few_steps
  found = [strategy.prediction(trial.architecture) for trial in trials]
  assert found[:12] == [None] * 12 and [prediction.asked_before for prediction in found[12:]] == [12] * 6 + [18] * 6
  assert all(0 < prediction.score < 1 for prediction in found[12:])
  strategy.save(str(tmp_path))
  resumed = Nao(RowSpace(), seed=1, config=FEW_STEPS)
  resumed.restore(str(tmp_path))
  assert [resumed.prediction(trial.architecture) for trial in trials] == found


def test_without_its_cache_the_same_is_learned_again(few_steps, no_graphs):
  assert run(Nao(RowSpace(), seed=1, config=FEW_STEPS), 24) == few_steps[1]


def test_a_cache_that_is_cut_is_not_used(few_steps, saved, tmp_path, no_graphs):
  (tmp_path / "nao.npz").write_bytes((saved[0] / "nao.npz").read_bytes()[:-100])
  resumed = Nao(RowSpace(), seed=1, config=FEW_STEPS)
  assert resumed.restore(str(tmp_path)) == 0
  assert run(resumed, 18) == few_steps[1][:18]


LEARNED = [
  "",
  "[]",
  "[" * 100_000,
  '{"rounds": [], "num_fits": 1, "temperature": 1e999}',
  '{"rounds": [], "num_fits": 0.5, "temperature": 1}',
  '{"rounds": [[12, [[[0.5], {"kind": "random"}]]]], "num_fits": 1, "temperature": 1}',
  '{"rounds": [[12, 3]], "num_fits": 1, "temperature": 1}',
  '{"rounds": {}, "num_fits": 1, "temperature": 1}',
]


@pytest.mark.parametrize("learned", LEARNED)
def test_a_cache_with_other_contents_is_not_used(saved, tmp_path, learned):
  np.savez(tmp_path / "nao.npz", **{**saved[1], "learned": np.array(learned)})
  assert Nao(RowSpace(), seed=1, config=FEW_STEPS).restore(str(tmp_path)) == 0


@pytest.mark.parametrize("wrong", [np.nan, "text", None, np.zeros(3)])
def test_a_cache_with_other_weights_is_not_used(saved, tmp_path, wrong):
  name = "weights/0"
  array = saved[1][name]
  wrong_array = np.full_like(array, np.nan) if wrong is np.nan else np.array(wrong)
  np.savez(tmp_path / "nao.npz", **{**saved[1], name: wrong_array})
  strategy = Nao(RowSpace(), seed=1, config=FEW_STEPS)
  before = strategy.controller.get_weights()
  assert strategy.restore(str(tmp_path)) == 0
  assert all(np.array_equal(a, b) for a, b in zip(before, strategy.controller.get_weights()))


def test_a_cache_is_read_or_not_wherever_it_is_cut_or_garbled(saved, tmp_path):
  data, rng = (saved[0] / "nao.npz").read_bytes(), np.random.default_rng(0)
  strategy = Nao(RowSpace(), seed=1, config=FEW_STEPS)
  for _ in range(30):
    garbled = bytearray(data[: rng.integers(len(data))] if rng.random() < 0.5 else data)
    for place in rng.integers(len(garbled), size=4) if garbled else ():
      garbled[place] = rng.integers(256)
    (tmp_path / "nao.npz").write_bytes(garbled)
    assert strategy.restore(str(tmp_path)) in (0, 12)


def test_the_papers_procedure_takes_the_first_decodes_of_the_smallest_step(no_graphs):
  small = {"num_initial": 12, "round_size": 6, "num_seeds": 6, "step_sizes": (10.0, 20.0, 30.0)}
  config = dataclasses.replace(
    PRESETS["paper"], controller=dataclasses.replace(make_config("torch_v2"), epochs=3), **small
  )
  strategy = Nao(RowSpace(), seed=0, config=config)
  kinds = [trial.origin.kind for trial in run(strategy, 18)[12:]]
  assert set(kinds) <= {"ascent", "random"}


def test_step_size_zero_decodes_without_moving(no_graphs):
  strategy = Nao(RowSpace(), seed=0, config=dataclasses.replace(FEW_STEPS, step_sizes=(0.0,)))
  assert all(trial.origin.kind == "decoded" for trial in run(strategy, 18)[12:])


def test_moves_may_follow_what_a_process_over_the_embedding_says(tmp_path, no_graphs):
  config = dataclasses.replace(FEW_STEPS, ascent="improvement")
  strategy = Nao(RowSpace(), seed=1, config=config)
  trials = run(strategy, 18)
  assert {trial.origin.kind for trial in trials[12:]} == {"ascent"} and strategy.embedding_map().moves
  strategy.save(str(tmp_path))
  resumed = Nao(RowSpace(), seed=1, config=config)
  resumed.restore(str(tmp_path))
  assert run(resumed, 24)[:18] == trials


def test_a_trust_region_makes_steps_shorter_where_they_fail(no_graphs):
  config = dataclasses.replace(FEW_STEPS, trust_region=True, step_sizes=(1.0,))
  trials = run(Nao(RowSpace(), seed=1, config=config), 30)
  steps = [{trial.origin.step for trial in trials[start : start + 6]} for start in (12, 18, 24)]
  radii = [radius(trials[:end], [trial.reward for trial in trials[:end]]) for end in (12, 18, 24)]
  assert radii[0] == 1 and len(set(radii)) == 3 and steps == [{factor} for factor in radii]


def test_a_round_may_start_from_random_architectures_too(no_graphs):
  config = dataclasses.replace(FEW_STEPS, num_random_seeds=40, num_seeds=1)
  origins = [trial.origin for trial in run(Nao(RowSpace(), seed=1, config=config), 24)[12:]]
  assert any(not origin.parents for origin in origins)
  assert any(str(origin).startswith("ascent from a random architecture, step") for origin in origins)


def test_the_steps_of_an_ascent_may_be_divided(no_graphs):
  whole, divided = (Nao(RowSpace(), seed=1, config=dataclasses.replace(FEW_STEPS, ascent_steps=n)) for n in (1, 5))
  assert run(whole, 12) == run(divided, 12) and run(whole, 24) != run(divided, 24)


def test_mutants_may_take_the_place_of_what_is_decoded(no_graphs):
  config = dataclasses.replace(FEW_STEPS, candidates="mutated")
  strategy = Nao(RowSpace(), seed=1, config=config)
  trials = run(strategy, 24)
  assert {trial.origin.kind for trial in trials[12:]} == {"mutation"} and strategy.embedding_map() is None
  assert all(trial.origin.parents[0] < trial.id for trial in trials[12:])


def test_there_are_as_many_mutants_as_would_be_decoded_and_heat_takes_them_farther():
  seeds = [((0,) * 6, Origin("trial", (number,))) for number in (3, 5)]
  near, far = (list(mutated(RowSpace(), QUICK, seeds, np.random.default_rng(0), heat)) for heat in (1.0, 1000.0))
  assert len(near) == len(far) == 2 * 4 * len(QUICK.temperatures) * 2
  assert {origin for _, origin in near} == {Origin("mutation", (3,)), Origin("mutation", (5,))}
  changed = [np.mean([np.count_nonzero(architecture) for architecture, _ in mutants]) for mutants in (near, far)]
  assert 1 < changed[0] < 2 < changed[1]


def test_a_round_may_have_neighbors_of_the_best(no_graphs):
  strategy = Nao(RowSpace(), seed=0, config=dataclasses.replace(FEW_STEPS, num_neighbors=2))
  trials = run(strategy, 18)
  best = max(trials[:12], key=lambda trial: trial.reward)
  neighbors = [trial for trial in trials[12:] if trial.origin.kind == "neighbor"]
  assert len(neighbors) == 2 and {trial.origin for trial in neighbors} == {Origin("neighbor", (best.id,))}
  assert all(sum(a != b for a, b in zip(t.architecture, best.architecture)) == 1 for t in neighbors)


def test_refinements_of_what_was_tried_have_to_wait(no_graphs):
  class RefinedSpace(RowSpace):
    decisions = (Decision("number", 9, ordered=True), Decision("refinement", 5, ordered=True, reach=0.2)) * 2

  space = RefinedSpace()
  strategy = Nao(space, seed=0, config=FEW_STEPS)
  asked = [space.unrefined(trial.architecture) for trial in run(strategy, 24)]
  assert len(set(asked[12:])) == 12 and not set(asked[:12]) & set(asked[12:])


@pytest.fixture(scope="module")
def one_at_a_time():
  """A search with the default settings, and the strategy at its end."""
  strategy = Nao(RowSpace(), seed=3, config=SMALL_ROUNDS)
  return strategy, run(strategy, 28, batch_size=1)


def test_a_round_is_as_small_as_what_is_asked_for(one_at_a_time):
  strategy, trials = one_at_a_time
  assert {trial.origin for trial in trials[:10]} == {RANDOM}
  found = [strategy.prediction(trial.architecture) for trial in trials[10:]]
  assert [prediction.asked_before for prediction in found] == list(range(10, 28))


def test_a_spread_beginning_tries_each_choice_everywhere():
  strategy = Nao(RowSpace(), seed=3, config=dataclasses.replace(SMALL_ROUNDS, spread_initial=True))
  trials = run(strategy, 10, batch_size=5)
  assert [set(column) for column in zip(*(trial.architecture for trial in trials))] == 6 * [{0, 1, 2, 3}]


def test_one_at_a_time_the_best_of_4096_rows_is_found_soon(one_at_a_time):
  assert max(trial.reward for trial in one_at_a_time[1]) == 1.0


def test_rewards_are_expected_within_intervals(one_at_a_time):
  strategy, trials = one_at_a_time
  for trial in trials[10:]:
    prediction = strategy.prediction(trial.architecture)
    (low, high), (lowest, highest) = prediction.interval_50, prediction.interval_90
    assert lowest <= low <= high <= highest and 0 < prediction.score < 1


def test_no_new_graph_is_made_for_later_rounds(one_at_a_time):
  strategy, trials = one_at_a_time
  before = strategy.controller.graphs.num_traces("fit")
  run_on(strategy, trials, 6)
  assert strategy.controller.graphs.num_traces("fit") == before == 1


SMALL_SHORT_ROUNDS = dataclasses.replace(SMALL_ROUNDS, controller=FEW_STEPS.controller, num_initial=5)


def test_resumed_within_small_rounds_the_next_ones_are_the_same(tmp_path, no_graphs):
  """The controller starts afresh with 5, 7 and 10 rewards, and is trained further in the other rounds."""
  whole, strategy, resumed = (Nao(RowSpace(), seed=3, config=SMALL_SHORT_ROUNDS) for _ in range(3))
  expected = run(whole, 12, batch_size=1)
  run(strategy, 9, batch_size=1)
  strategy.save(str(tmp_path))
  assert resumed.restore(str(tmp_path)) == 8
  assert run(resumed, 12, batch_size=1) == expected
  asked = [trial.architecture for trial in expected]
  assert [resumed.prediction(a) for a in asked] == [whole.prediction(a) for a in asked]


def test_a_round_of_ten_has_proposals_of_the_process_and_of_the_controllers(no_graphs):
  config = dataclasses.replace(SMALL_ROUNDS, controller=FEW_STEPS.controller)
  trials = run(Nao(RowSpace(), seed=4, config=config), 20, batch_size=10)
  kinds = {trial.origin.kind for trial in trials[10:]}
  assert kinds & {"ascent", "decoded"} and len({trial.architecture for trial in trials}) == 20


@pytest.mark.parametrize(
  "change, message",
  [
    ({"ensemble_size": 0}, "ensemble_size must be at least 1"),
    ({"ascent_steps": 0}, "ascent_steps must be at least 1"),
    ({"num_random_seeds": -1}, "num_random_seeds must be at least 0"),
    ({"round_size": -1}, "round_size must be at least 0"),
    ({"step_sizes": ()}, "step_sizes must be one or more"),
    ({"temperatures": (-1.0,)}, "temperatures must be one or more"),
    ({"gaussian_share": 1.5}, r"gaussian_share must be in \[0, 1\]"),
    ({"refresh_growth": -0.1}, "refresh_growth must be at least 0"),
    ({"gaussian_share": 0.5, "ranked": False}, "gaussian_share must be 0"),
    ({"ascent": "loss"}, "ascent"),
    ({"candidates": "drawn"}, "candidates"),
  ],
)
def test_settings_out_of_range_are_refused(change, message):
  with pytest.raises(ValueError, match=message):
    dataclasses.replace(QUICK, **change)
