import dataclasses
import itertools
import shutil

import numpy as np
import pytest

from nao_tf.runs.journal import Journal
from nao_tf.runs.settings import RunDirectoryError
from nao_tf.searches.loop import run_search
from nao_tf.spaces import make_space
from nao_tf.strategies import make_strategy
from nao_tf.strategies.earlier_search import (
  EARLIER,
  KEPT_FILE,
  in_turns,
  keep_earlier_search,
  read_earlier_search,
  warm_started,
)
from nao_tf.strategies.nao_config import PRESETS
from nao_tf.trial import RANDOM, Evaluation, Trial
from tests.support.toys import CountingEvaluator, ToySpace

SPACE = make_space("nasbench201")
CONFIG = dataclasses.replace(PRESETS["default"], gaussian_share=1.0, num_initial=6)


def write(directory, settings=None, num_trials=30, space=SPACE, evaluator=None):
  with Journal(str(directory), {"space": "nasbench201"} if settings is None else settings) as journal:
    strategy = make_strategy("random", space, seed=7)
    run_search(strategy, evaluator or CountingEvaluator(), journal, num_trials=num_trials, batch_size=num_trials)
  return str(directory)


def warm(directory, config=CONFIG):
  return warm_started(make_strategy("nao", SPACE, seed=1, config=config), directory)


@pytest.fixture(scope="module")
def earlier(tmp_path_factory):
  return write(tmp_path_factory.mktemp("earlier"))


def search(strategy, evaluator, num_trials=12):
  trials = []
  while len(trials) < num_trials:
    (architecture,) = strategy.ask(1)
    (evaluation,) = evaluator.evaluate([architecture])
    trials.append(Trial(len(trials), architecture, strategy.origin(architecture), evaluation))
    strategy.tell(trials[-1:])
  return trials


def test_trials_are_read_with_the_best_first(earlier):
  found = read_earlier_search(earlier, SPACE)
  rewards = [trial.reward for trial in found.trials]
  assert rewards == sorted(rewards, reverse=True) and None not in rewards
  assert found.digest == read_earlier_search(earlier, SPACE).digest and len(found.digest) == 16


def test_a_search_learns_from_its_copy_whatever_happens_to_the_earlier_one(tmp_path):
  directory, workdir = write(tmp_path / "earlier", num_trials=8), str(tmp_path)
  before = read_earlier_search(directory, SPACE, workdir=workdir)
  keep_earlier_search(workdir, before)
  write(tmp_path / "earlier", num_trials=12)
  kept = read_earlier_search(directory, SPACE, workdir=workdir)
  assert kept.digest == before.digest != read_earlier_search(directory, SPACE).digest
  assert [(trial.architecture, trial.reward, trial.rung) for trial in kept.trials] == [
    (trial.architecture, trial.reward, trial.rung) for trial in before.trials
  ]
  shutil.rmtree(directory)
  assert read_earlier_search(directory, SPACE, workdir=workdir).digest == before.digest
  other = write(tmp_path / "other", num_trials=9)
  assert read_earlier_search(other, SPACE, workdir=workdir).digest == read_earlier_search(other, SPACE).digest
  strategy = warm_started(make_strategy("nao", SPACE, seed=1, config=CONFIG), directory, workdir=workdir)
  assert search(strategy, CountingEvaluator(), 2)[1].architecture == before.trials[0].architecture


@pytest.mark.parametrize("text", ["{", "{}", '{"directory": "a", "trials": [{}]}', '{"directory": 1, "trials": []}'])
def test_a_copy_that_is_none_is_refused_by_its_name(tmp_path, earlier, text):
  (tmp_path / KEPT_FILE).write_text(text)
  with pytest.raises(ValueError, match=f"{KEPT_FILE}: not the copy of an earlier search"):
    read_earlier_search(earlier, SPACE, workdir=str(tmp_path))


def test_a_search_begins_with_the_best_of_the_earlier_one_and_random_ones_in_turns(earlier):
  best = read_earlier_search(earlier, SPACE).trials
  trials = search(warm(earlier), CountingEvaluator())
  assert [trial.origin for trial in trials[:6]] == [RANDOM, EARLIER] * 3
  assert [trial.architecture for trial in trials[1:6:2]] == [trial.architecture for trial in best[:3]]


def test_an_earlier_search_of_the_same_kind_helps_and_the_strategy_says_so(earlier):
  strategy = warm(earlier)
  with_it = search(strategy, CountingEvaluator())
  without = search(make_strategy("nao", SPACE, seed=1, config=CONFIG), CountingEvaluator())
  mean = [np.mean([t.reward for t in trials if t.reward is not None]) for trials in (with_it, without)]
  assert mean[0] > mean[1]
  (remark,) = strategy.remarks()
  assert remark.startswith("the earlier search is used with a weight of 0.")
  assert make_strategy("random", SPACE).remarks() == []


class Unrelated:
  def evaluate(self, architectures):
    for architecture in architectures:
      yield Evaluation(float(np.random.default_rng([3, *architecture]).normal()))


def test_one_that_says_nothing_is_not_used_and_the_strategy_says_so(earlier):
  strategy = warm(earlier)
  search(strategy, Unrelated(), 12)
  assert strategy.remarks() == [
    "the earlier search is not used: it does not help to predict the rewards of this search"
  ]


def test_an_interrupted_warm_search_goes_on_to_the_same_trials(earlier, tmp_path):
  def run(directory, num_trials):
    with Journal(str(directory), {}) as journal:
      run_search(warm(earlier), CountingEvaluator(), journal, num_trials=num_trials, batch_size=1)
      return journal.trials

  whole = run(tmp_path / "whole", 10)
  run(tmp_path / "cut", 8)
  assert [t.architecture for t in run(tmp_path / "cut", 10)] == [t.architecture for t in whole]


@pytest.mark.parametrize("settings", [{"space": "nasnet5"}, {"space": "tests.support.toys:ToySpace"}])
def test_a_search_of_another_space_is_refused(tmp_path, settings):
  directory = write(tmp_path, settings)
  with pytest.raises(ValueError, match="expected a search of the space nasbench201, got one of"):
    read_earlier_search(directory, SPACE)


def test_trials_that_are_none_of_the_space_are_refused(tmp_path):
  directory = write(tmp_path, {}, 8, ToySpace())
  with pytest.raises(ValueError, match="expected a search of the space nasbench201, but trial 0 is not one of it"):
    read_earlier_search(directory, SPACE)


def test_too_few_trials_and_no_search_at_all_are_refused(tmp_path):
  with pytest.raises(ValueError, match="expected at least 5 trials with a reward to learn from, got"):
    read_earlier_search(write(tmp_path / "few", num_trials=3), SPACE)
  with pytest.raises(RunDirectoryError, match="expected the work directory of a search"):
    read_earlier_search(str(tmp_path), SPACE)


def test_a_strategy_without_a_gaussian_process_is_refused(earlier):
  with pytest.raises(ValueError, match="needs a gaussian_share above 0"):
    warm(earlier, dataclasses.replace(CONFIG, gaussian_share=0.0))
  with pytest.raises(ValueError, match="a warm start is for the strategy nao, got RandomSearch"):
    warm_started(make_strategy("random", SPACE), earlier)


def test_when_one_side_has_no_more_the_other_goes_on():
  assert list(itertools.islice(in_turns([("a", 1)], iter([("b", 2), ("c", 2)]), 0), 9)) == [
    ("b", 2),
    ("a", 1),
    ("c", 2),
  ]
