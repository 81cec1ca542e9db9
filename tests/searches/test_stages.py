"""Searches in rungs: with every strategy, killed anywhere, on several executors."""

import contextlib
import dataclasses
import os

import pytest

from nao_tf.evaluators.rung_evaluator import RungEvaluator
from nao_tf.runs.journal import Journal, JournalError, Promotion, read_trials
from nao_tf.searches.executors import ExecutorSettings, make_executor
from nao_tf.searches.loop import run_search
from nao_tf.searches.rungs import RungConfig
from nao_tf.searches.search_directory import Budget, search_in_directory
from nao_tf.searches.status import status_of
from nao_tf.spaces import make_space
from nao_tf.strategies import STRATEGIES, make_strategy
from nao_tf.trial import best_trial
from tests.conformance.test_resuming import OPTIONS as WITH_CONTROLLERS
from tests.support.rung_cases import CONFIG, GrowingEvaluator
from tests.support.toys import CountingEvaluator, ToySpace

NUM_TRIALS = 14
QUICK = dataclasses.replace(WITH_CONTROLLERS["nao"]["config"], gaussian_share=1.0)
OPTIONS = {**WITH_CONTROLLERS, "nao": {"config": QUICK}}
PROMOTIONS = ("asynchronous", "halving", "hyperband")


def config_of(promotion):
  return RungConfig(CONFIG.epochs, CONFIG.reduction, promotion)


def search(directory, *, name="evolution", promotion="asynchronous", batch_size=3, evaluator=None, **options):
  strategy = make_strategy(name, ToySpace(), seed=1, **OPTIONS.get(name, {}))
  evaluator = GrowingEvaluator() if evaluator is None else evaluator
  with Journal(str(directory), {}) as journal:
    return run_search(
      strategy,
      evaluator,
      journal,
      num_trials=NUM_TRIALS,
      batch_size=batch_size,
      rungs=config_of(promotion),
      **options,
    )


def lines(directory):
  with open(os.path.join(directory, "trials.jsonl"), "rb") as file:
    return file.read()


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_searches_in_rungs(tmp_path, name):
  if name == "optuna":
    pytest.importorskip("optuna")
  evaluator = GrowingEvaluator()
  space_of = {"pnas": "pnas", "autokeras": "autokeras"}
  space = make_space(space_of[name]) if name in space_of else ToySpace()
  strategy = make_strategy(name, space, seed=1, **OPTIONS.get(name, {}))
  with Journal(str(tmp_path), {}) as journal:
    best = run_search(strategy, evaluator, journal, num_trials=NUM_TRIALS, batch_size=2, rungs=CONFIG)
    trials, num_promotions = journal.trials, sum(isinstance(entry, Promotion) for entry in journal.entries)
  assert len(trials) == NUM_TRIALS and all(not trial.is_open for trial in trials)
  assert num_promotions == sum(trial.rung for trial in trials) > 0
  assert evaluator.num_epochs == sum(evaluator.trained.values())
  assert best.rung == CONFIG.top and best.reward == max(t.reward for t in trials if t.rung == CONFIG.top)


@pytest.mark.parametrize("promotion", PROMOTIONS)
def test_cut_after_any_line_the_search_goes_on_to_the_same_journal(tmp_path, promotion):
  search(tmp_path / "whole", promotion=promotion)
  whole = lines(tmp_path / "whole")
  expected = whole.splitlines(keepends=True)
  for count in range(1, len(expected), 3):
    cut = tmp_path / str(count)
    cut.mkdir()
    (cut / "trials.jsonl").write_bytes(b"".join(expected[:count]) + expected[count][:9])
    search(cut, promotion=promotion)
    assert lines(cut) == whole


@pytest.mark.parametrize("lives", [0, 1, 4, 9, 15])
def test_killed_in_an_evaluation_it_goes_on_to_the_same_journal(tmp_path, lives):
  search(tmp_path / "whole")
  with pytest.raises(KeyboardInterrupt):
    search(tmp_path / "cut", evaluator=GrowingEvaluator(lives))
  search(tmp_path / "cut")
  assert lines(tmp_path / "cut") == lines(tmp_path / "whole")


def test_a_journal_holds_each_rung_of_a_trial(tmp_path):
  best = search(tmp_path)
  (read,) = [trial for trial in read_trials(str(tmp_path)) if trial.id == best.id]
  assert read == best == best_trial(read_trials(str(tmp_path)))
  assert [evaluation.rung for evaluation in read.evaluations] == [0, 1, 2]
  assert [evaluation.metrics["epochs"] for evaluation in read.evaluations] == [1, 2, 5]
  assert read.seconds == 3.0


def test_a_search_whose_last_child_trains_on_is_not_finished(tmp_path):
  search(tmp_path)
  expected = lines(tmp_path).splitlines(keepends=True)
  last = max(number for number, line in enumerate(expected) if b"promoted" in line)
  (tmp_path / "trials.jsonl").write_bytes(b"".join(expected[: last + 1]))
  status = status_of(str(tmp_path), num_trials=NUM_TRIALS)
  assert status.done == NUM_TRIALS - 1 and "not running" in str(status)
  assert status.best["reward"] == best_trial(read_trials(str(tmp_path))).reward


def test_a_search_without_rungs_does_not_go_on_with_one_that_has_them(tmp_path):
  search(tmp_path)
  strategy = make_strategy("evolution", ToySpace(), seed=1)
  message = "was promoted, but this search has no rungs"
  with Journal(str(tmp_path), {}) as journal, pytest.raises(JournalError, match=message):
    run_search(strategy, GrowingEvaluator(), journal, num_trials=NUM_TRIALS, batch_size=3)


def test_an_evaluator_that_cannot_train_in_parts_is_refused_at_once(tmp_path):
  with pytest.raises(
    ValueError, match="with a method evaluate_until, such as training or tabular; got CountingEvaluator"
  ):
    search(tmp_path, evaluator=CountingEvaluator())
  assert lines(tmp_path) == b""


def test_a_stopped_child_is_no_failure_and_the_winner_is_one_of_the_top(tmp_path):
  directory, space = str(tmp_path), ToySpace()
  strategy = make_strategy("random", space, seed=1)
  best = search_in_directory(
    directory,
    {"space": "toy", **CONFIG.settings},
    space,
    strategy,
    lambda: contextlib.nullcontext(GrowingEvaluator()),
    budget=Budget(NUM_TRIALS, 1, rungs=CONFIG),
    progress=False,
  )
  trials, status = read_trials(directory), status_of(directory, num_trials=NUM_TRIALS)
  failed = sum(trial.reward is None for trial in trials)
  assert best.rung == CONFIG.top and max(t.reward for t in trials if t.reward is not None) >= best.reward
  assert (status.done, status.failed, status.best["trial"]) == (NUM_TRIALS, failed, best.id)
  with open(os.path.join(directory, "best.json"), encoding="utf-8") as file:
    assert f'"trial": {best.id}' in file.read()
  with open(os.path.join(directory, "report.html"), encoding="utf-8") as file:
    page = file.read()
  total = sum(CONFIG.epochs[trial.rung] for trial in trials)
  at_top = sum(trial.rung == CONFIG.top for trial in trials)
  assert f"<dt>total training epochs</dt><dd>{total}</dd>" in page
  assert f"<dt>at the top rung</dt><dd>{at_top}</dd>" in page


def make_growing():
  return RungEvaluator(GrowingEvaluator(), CONFIG.epochs)


@pytest.mark.parametrize("name", ["processes", pytest.param("ray", marks=pytest.mark.slow)])
def test_workers_search_in_rungs(tmp_path, name):
  if name == "ray":
    pytest.importorskip("ray")
  with make_executor(name, make_growing, ExecutorSettings(num_workers=2)) as executor:
    best = search(tmp_path, name="random", evaluator=executor, batch_size=1)
  trials = read_trials(str(tmp_path))
  assert len(trials) == NUM_TRIALS and all(not trial.is_open for trial in trials)
  assert best.rung == CONFIG.top
  expected = {t.id: GrowingEvaluator().evaluate_until(t.architecture, CONFIG.epochs[t.rung]).reward for t in trials}
  assert {trial.id: trial.reward for trial in trials} == expected


def test_attempts_at_one_rung_do_not_count_at_the_next(tmp_path):
  interrupted = GrowingEvaluator(9)
  with pytest.raises(KeyboardInterrupt):
    search(tmp_path, evaluator=interrupted, trial_retries=0)
  search(tmp_path, trial_retries=0)
  reasons = [t.evaluation.metrics.get("reason", "") for t in read_trials(str(tmp_path))]
  assert not any("ended the process" in reason for reason in reasons)
