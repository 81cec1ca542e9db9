"""Every strategy goes on from every point of a search, with its cache and without, also where its space runs out."""

import contextlib
import shutil

import pytest

from nao_tf.runs.journal import Journal, read_trials
from nao_tf.searches.loop import STRATEGY_DIRECTORY, run_search
from nao_tf.spaces.base import Decision, SearchSpace
from nao_tf.strategies import STRATEGIES, make_strategy
from nao_tf.strategies.bananas_config import BananasConfig
from nao_tf.strategies.bayesian.config import BayesianConfig
from nao_tf.strategies.nao_config import NaoConfig
from nao_tf.trial import Trial
from tests.support.controller_cases import FEW_CANDIDATES, FEW_STEPS
from tests.support.toys import CountingEvaluator, ToySpace

pytestmark = pytest.mark.usefixtures("no_graphs_in_the_module")  # Controllers take a few small steps.

OPTIONS = {
  "nao": {"config": NaoConfig(FEW_STEPS, num_initial=4, round_size=8, **FEW_CANDIDATES)},
  "bananas": {"config": BananasConfig(num_initial=4, round_size=4, ensemble_size=2, units=8, num_epochs=5)},
  "bayesian": {"config": BayesianConfig(num_initial=10, num_candidates=10)},
}


class Rows(SearchSpace):
  """Three decisions of three or two choices, all different networks."""

  name = "rows"
  decisions = (Decision("choice", 3), Decision("choice", 3), Decision("choice", 2))

  def decode(self, architecture):
    self.validate(architecture)
    return architecture


SPACES = {"toy": ToySpace, "rows": Rows}
SIZES = {"toy": 18, "rows": 18}
BATCH_SIZES = {"toy": 5, "rows": 7}
ALL = 100  # More trials than any of these spaces has architectures.


class Killed(KeyboardInterrupt):
  """Raised where a process would be killed."""


class MortalEvaluator(CountingEvaluator):
  """Evaluates so many architectures."""

  def __init__(self, lives):
    super().__init__()
    self.lives = lives

  def score(self, architecture):
    if not self.lives:
      raise Killed
    self.lives -= 1
    return super().score(architecture)


def search(directory, name, space, *, num_trials=ALL, batch_size=3, lives=-1, seed=0):
  """Returns the trials of a search that goes on where it was, and is killed after so many evaluations; -1: never."""
  strategy = make_strategy(name, SPACES[space](), seed=seed, **OPTIONS.get(name, {}))
  with Journal(str(directory), {}) as journal, contextlib.suppress(Killed):
    run_search(strategy, MortalEvaluator(lives), journal, num_trials=num_trials, batch_size=batch_size)
  return read_trials(str(directory))


def killed_again_and_again(directory, name, space, *, lives, cache, **options):
  """Returns the trials of a search that is killed after every `lives` evaluations."""
  before: list[Trial] = []
  while (trials := search(directory, name, space, lives=lives, **options)) != before:
    before = trials
    if not cache:
      shutil.rmtree(directory / STRATEGY_DIRECTORY, ignore_errors=True)
  return trials


def warnings_of_ours(caplog):
  """Returns what this package warned of, but for the trials that were being evaluated when a search was killed."""
  ours = [record for record in caplog.records if record.name == "absl" and record.levelname == "WARNING"]
  return [record for record in ours if "the process ended during its evaluation" not in record.getMessage()]


@pytest.fixture(params=STRATEGIES, scope="module")
def name(request):
  return request.param


@pytest.fixture(scope="module")
def whole(name, tmp_path_factory):
  """The trials of each space, of a search that was not interrupted, with a batch size of its own."""
  directory = tmp_path_factory.mktemp(name)
  return {space: search(directory / space, name, space, batch_size=size) for space, size in BATCH_SIZES.items()}


@pytest.mark.parametrize(("space", "cache"), [("toy", True), ("rows", False)])
def test_killed_now_and_then_the_trials_are_the_same(tmp_path, caplog, name, whole, space, cache):
  options = {"batch_size": BATCH_SIZES[space], "lives": 8, "cache": cache}
  assert killed_again_and_again(tmp_path / "killed", name, space, **options) == whole[space]
  assert len(whole[space]) == SIZES[space]
  assert not warnings_of_ours(caplog)


@pytest.mark.slow
@pytest.mark.parametrize("cache", [True, False])
@pytest.mark.parametrize("batch_size", [1, 3, 4, 7, 13])
@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("seed", range(2))
def test_killed_after_every_evaluation_the_trials_are_the_same(tmp_path, name, space, batch_size, cache, seed):
  whole = search(tmp_path / "whole", name, space, batch_size=batch_size, seed=seed)
  options = {"batch_size": batch_size, "lives": 1, "cache": cache, "seed": seed}
  assert killed_again_and_again(tmp_path / "killed", name, space, **options) == whole


@pytest.mark.parametrize("cache", [True, False])
def test_a_finished_search_is_extended_again_and_again(tmp_path, caplog, name, cache):
  trials = []
  for num_trials in (7, 8, 13, ALL):
    if not cache:
      shutil.rmtree(tmp_path / STRATEGY_DIRECTORY, ignore_errors=True)
    extended = search(tmp_path, name, "toy", num_trials=num_trials, batch_size=5)
    assert extended[: len(trials)] == trials and len(extended) == min(num_trials, 18)
    trials = extended
  assert not warnings_of_ours(caplog)


@pytest.mark.parametrize("space", SPACES)
def test_a_small_space_is_searched_to_its_end(whole, space):
  trials = whole[space]
  assert len({SPACES[space]().canonical(trial.architecture) for trial in trials}) == len(trials) == SIZES[space]


def test_a_cache_that_is_gone_or_broken_changes_nothing(tmp_path, name, whole):
  search(tmp_path / "broken", name, "toy", batch_size=5, lives=11)
  for path in (tmp_path / "broken" / STRATEGY_DIRECTORY).glob("*"):
    path.write_bytes(b"")
  assert search(tmp_path / "broken", name, "toy", batch_size=5) == whole["toy"]
