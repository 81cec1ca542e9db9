import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nao_tf.searches.rungs import RungConfig, bracket_kinds, make_scheduler, rungs_of
from nao_tf.trial import Evaluation, Trial

EPOCHS = (1, 3, 9)


def closed(trial, reward):
  return trial.close(Evaluation.failed("no reward") if reward is None else Evaluation(reward))


def run(config, num_trials, reward, batch_size=1):
  """Runs trials one after the other; returns the last state of each, and the scheduler."""
  scheduler, trials = make_scheduler(config), {}
  while True:
    promoted = scheduler.next_promotion()
    count = min(scheduler.num_new(batch_size), num_trials - len(trials))
    if promoted is None and count < 1:
      return trials, scheduler
    new = [Trial(len(trials) + i, (len(trials) + i,), rung=scheduler.first_rung) for i in range(count)]
    batch = [promoted] if promoted is not None else new
    scheduler.begin(batch)
    for trial in batch:
      trials[trial.id] = closed(trial, reward(trial.id, trial.rung))
      scheduler.note(trials[trial.id])


def reached(trials, rung):
  return sum(trial.rung >= rung for trial in trials.values())


@pytest.mark.parametrize(
  ("options", "message"),
  [
    ({"epochs": (3,)}, "two or more ascending numbers of epochs"),
    ({"epochs": (3, 1)}, r"ascending numbers of epochs, such as 1, 3, 9, got \(3, 1\)"),
    ({"epochs": (0, 1)}, "ascending numbers"),
    ({"epochs": (1, 2.5)}, "rungs"),
    ({"reduction": 1}, "from 2|at least 2|reduction"),
    ({"promotion": "never"}, "promotion must be one of asynchronous, halving, hyperband, got 'never'"),
    ({"max_epochs": 0}, "max_epochs must be at least 1, the lowest rung, got 0"),
  ],
)
def test_what_cannot_be_is_refused(options, message):
  with pytest.raises(ValueError, match=message):
    RungConfig(**{"epochs": EPOCHS, **options})


def test_rungs_of_a_call_fit_its_epochs():
  assert rungs_of(None, 3, "asynchronous", None, {"epochs": 5}) is None
  assert rungs_of([1, 5], 3, "halving", 9, {"epochs": 5}) == RungConfig((1, 5), 3, "halving", 9)
  with pytest.raises(ValueError, match="length of a full training, 5 epochs, but epochs is 4"):
    rungs_of([1, 5], 3, "halving", None, {"epochs": 4})
  with pytest.raises(ValueError, match="pass rungs"):
    rungs_of(None, 3, "halving", 9, {})


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(2, 4), st.integers(1, 60), st.sampled_from(["halving", "hyperband"]), st.integers(0, 99))
def test_of_those_that_begin_together_no_more_than_their_share_go_on(reduction, num_trials, promotion, seed):
  rewards = random.Random(seed)
  rows = [[rewards.choice([None, 1.0, rewards.random()]) for _ in EPOCHS] for _ in range(num_trials)]
  config = RungConfig(EPOCHS, reduction, promotion)
  trials, _ = run(config, num_trials, lambda number, rung: rows[number][rung])
  begun = {rung: [t for t in trials.values() if t.evaluations[0].rung == rung] for rung in range(len(EPOCHS))}
  for first, group in begun.items():
    for rung in range(first, len(EPOCHS) - 1):
      here = sum(trial.rung >= rung for trial in group)
      assert sum(trial.rung > rung for trial in group) <= here / reduction
  assert all(not trial.is_open for trial in trials.values())


def test_whole_brackets_leave_one_at_the_top_which_is_the_best():
  trials, _ = run(RungConfig(EPOCHS, 3, "halving"), 18, lambda number, rung: number % 9 + rung)
  assert [reached(trials, rung) for rung in range(3)] == [18, 6, 2]
  assert {number for number, trial in trials.items() if trial.rung == 2} == {8, 17}


def test_brackets_of_hyperband_are_those_of_the_paper():
  config = RungConfig((1, 3, 9, 27, 81), 3, "hyperband")  # Table 1 of the paper.
  assert bracket_kinds(config) == [(81, 0), (34, 1), (15, 2), (8, 3), (5, 4)]


def reference(results, reduction, promoted):
  """Algorithm 2 of the paper, `get_job`: rewards by id at each rung, and who was promoted. Returns id and rung or None."""
  for rung in range(len(results) - 2, -1, -1):
    ranked = sorted(results[rung].items(), key=lambda item: (-item[1], item[0]))
    candidates = [number for number, _ in ranked[: math.floor(len(ranked) / reduction)]]
    left = [number for number in candidates if number not in promoted[rung]]
    if left:
      return left[0], rung + 1
  return None


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(2, 4), st.integers(0, 999))
def test_asynchronous_promotions_are_those_of_the_paper_whatever_the_order(reduction, seed):
  rng = random.Random(seed)
  scheduler = make_scheduler(RungConfig(EPOCHS, reduction))
  results, promoted, under_way = [{} for _ in EPOCHS], [set() for _ in EPOCHS], []
  for number in range(40):
    while under_way and rng.random() < 0.6:
      trial = closed(under_way.pop(rng.randrange(len(under_way))), rng.random())
      scheduler.note(trial)
      results[trial.rung][trial.id] = trial.reward
    expected = reference(results, reduction, promoted)
    found = scheduler.next_promotion()
    assert (None if found is None else (found.id, found.rung)) == expected
    trial = Trial(number, (number,)) if found is None else found
    promoted[trial.rung - 1].add(trial.id)
    scheduler.begin([trial])
    under_way.append(trial)


def test_a_failed_child_counts_and_never_goes_on():
  trials, _ = run(RungConfig((1, 2), 2), 8, lambda number, rung: None if number < 6 else 1.0)
  assert {number for number, trial in trials.items() if trial.rung} == {6, 7}
  trials, _ = run(RungConfig((1, 2), 2), 8, lambda number, rung: None)
  assert not reached(trials, 1)


@pytest.mark.parametrize("promotion", ["asynchronous", "halving", "hyperband"])
def test_epochs_are_counted_once_and_bounded(promotion):
  rewards = random.Random(1)
  config = RungConfig(EPOCHS, 3, promotion)
  trials, scheduler = run(config, 40, lambda number, rung: rewards.random())
  by_hand = sum(EPOCHS[trial.rung] for trial in trials.values())
  assert scheduler.num_epochs == by_hand == config.total_epochs(list(trials.values()))
  bounded = RungConfig(EPOCHS, 3, promotion, max_epochs=30)
  trials, scheduler = run(bounded, 40, lambda number, rung: rewards.random())
  assert 20 < scheduler.num_epochs == bounded.total_epochs(list(trials.values())) <= 30


@pytest.mark.parametrize("wrong", [3, True, "1,3", 0, {"a"}])
def test_what_are_no_rungs_is_said(wrong):
  with pytest.raises(ValueError, match="rungs"):
    rungs_of(wrong, 3, "halving", None, {})


def test_rungs_may_be_any_numbers_in_a_row():
  for epochs in (range(1, 3), iter([1, 2]), np.array([1, 2])):
    assert rungs_of(epochs, 3, "halving", None, {}).epochs == (1, 2)
  assert rungs_of([], 3, "halving", None, {}) is None
