"""`nao_tf.search` and `run_search` for several objectives."""

import pytest

import nao_tf
from nao_tf.objectives import NotMeasured
from nao_tf.runs.settings import RunDirectoryError
from nao_tf.searches.loop import run_search
from nao_tf.searches.rungs import RungConfig
from nao_tf.strategies import make_strategy
from nao_tf.trial import Evaluation
from tests.support import shapes, two_objectives
from tests.support.tiny_cells import TINY

IMAGES, NAMES = shapes.shape_arrays(60)
BOTH = ["accuracy", "parameters"]


class ByFirstChoice:
  """Says how accurate networks are without training them. What they cost is known."""

  def evaluate(self, architectures):
    for architecture in architectures:
      yield Evaluation(0.5, metrics={"accuracy": 0.5 + 0.01 * architecture[1]})


def search(directory, num_trials=4, **changes):
  settings = {"space": "tests.support.tiny_cells:TinyCells", "strategy": "random", "verbose": 0, **TINY}
  options = {"evaluator": ByFirstChoice(), "objectives": BOTH, "tensorboard": False, **settings, **changes}
  return nao_tf.search(IMAGES, NAMES, workdir=directory, num_trials=num_trials, **options)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
  return search(tmp_path_factory.mktemp("found") / "run")


def test_the_pareto_set_is_found_with_costs_that_the_evaluator_does_not_say(found):
  assert found.pareto_set and found.best in found.pareto_set
  assert all(trial.evaluation.objectives["parameters"] > 0 for trial in found.pareto_set)
  record = nao_tf.load(found.directory)
  assert record.pareto_set == found.pareto_set and record.settings["objectives"] == ["accuracy:max", "parameters:min"]


def test_the_network_of_a_trial_is_trained(found):
  last = found.pareto_set[-1]
  model = found.train(epochs=1, trial=last, verbose=0, tensorboard=False)
  assert model(IMAGES[:2]).shape == (2, 2)


def test_a_search_goes_on_with_its_objectives_alone(found):
  assert len(nao_tf.load(search(found.directory, 5).directory).trials) == 5
  with pytest.raises(RunDirectoryError, match="objectives was"):
    search(found.directory, objectives=["accuracy", "multiply_adds"])


@pytest.mark.parametrize(
  ("changes", "words"),
  [
    ({"objectives": ["acuracy", "parameters"]}, "did you mean accuracy"),
    ({"objectives": ["accuracy"]}, "two or more"),
    ({"strategy": "local_search"}, "local_search optimizes one reward"),
    ({"evaluator": "training", "objectives": ["accuracy", "perplexity"]}, "objective 'perplexity': networks for"),
    ({"evaluator": "shared_weights", "objectives": ["accuracy", "latency"]}, "latency: it is measured by"),
    ({"latency_batch_size": 0}, "latency_batch_size"),
    ({"strategy": "darts", "evaluator": None, "num_trials": None}, "has no objectives"),
  ],
)
def test_what_does_not_fit_is_refused_before_any_work(changes, words, tmp_path):
  with pytest.raises(ValueError, match=words):
    search(tmp_path / "run", **changes)
  assert not (tmp_path / "run").exists()


def test_trials_in_rungs_have_one_objective(tmp_path):
  strategy = make_strategy("random", nao_tf.make_space("nasbench201"))
  with (
    nao_tf.Journal(str(tmp_path), {}) as journal,
    pytest.raises(ValueError, match="with rungs .* does not support objectives"),
  ):
    run_search(
      strategy,
      two_objectives.Evaluator(),
      journal,
      num_trials=2,
      batch_size=1,
      objectives=BOTH,
      rungs=RungConfig(epochs=(1, 2)),
    )


class Sometimes:
  """Measures an energy from the second architecture on, or the first one."""

  def __init__(self, first):
    self.seen, self.first = 0, first

  def evaluate(self, architectures):
    for _ in architectures:
      self.seen += 1
      has_energy = self.seen > 1 or self.first
      yield Evaluation(0.5, metrics={"f1": 0.5, **({"energy": 1.0} if has_energy and self.seen != 3 else {})})


def searched(directory, evaluator, num_trials):
  strategy = make_strategy("random", nao_tf.make_space("nasbench201"))
  with nao_tf.Journal(str(directory), {}) as journal:
    options = {"num_trials": num_trials, "batch_size": 1, "objectives": ["f1:max", "energy:min"]}
    try:
      run_search(strategy, evaluator, journal, **options)
    finally:
      rewards = [trial.reward for trial in journal.trials]
  return rewards


def test_a_search_ends_at_the_first_evaluation_that_lacks_an_objective_and_may_go_on(tmp_path):
  evaluator = Sometimes(first=False)
  with pytest.raises(NotMeasured, match="objectives: the evaluator has no metric energy; it has f1"):
    searched(tmp_path, evaluator, 4)
  assert evaluator.seen == 1
  assert searched(tmp_path, evaluator, 4) == [None, 0.5, None, 0.5]


def test_a_search_that_has_measured_all_objectives_before_goes_on(tmp_path):
  assert searched(tmp_path, Sometimes(first=True), 4) == [0.5, 0.5, None, 0.5]
