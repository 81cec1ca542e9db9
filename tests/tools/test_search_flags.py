"""Searches whose networks must not cost too much."""

import json

import numpy as np
import pytest

from nao_tf.runs.journal import read_trials
from nao_tf.runs.settings import RunDirectoryError
from nao_tf.spaces.bounded import BoundedSpace
from nao_tf.strategies import make_strategy
from nao_tf.tools import search, search_flags
from tests.support.command_line import parse
from tests.support.tiny_cells import pairs
from tests.tools.test_tools import SEARCH, run

BOUND = 2_000
SPACE = pairs()


def flags(workdir, *argv):
  return parse(search, f"--workdir={workdir}", *SEARCH, *argv)


def asked(space, count):
  return make_strategy("random", space, seed=0).ask(count)


def as_of_an_earlier_version(workdir):
  """Makes the settings on record those of a version that did not record what becomes of oversized networks."""
  path = workdir / "config.json"
  recorded = json.loads(path.read_text())
  del recorded["oversized"]
  path.write_text(json.dumps(recorded))


def test_without_bounds_everything_is_proposed(tmp_path):
  values = flags(tmp_path)
  assert not isinstance(search_flags.proposal_space(values), BoundedSpace)
  assert not {"oversized", "max_multiply_adds"} & set(search_flags.settings(values))


def test_with_bounds_only_what_fits_is_proposed_and_that_is_on_record(tmp_path):
  values = flags(tmp_path, f"--max_parameters={BOUND}", "--max_multiply_adds=160000")
  space = search_flags.proposal_space(values)
  assert any(not space.is_admitted(architecture) for architecture in asked(SPACE, 20))
  assert all(space.is_admitted(architecture) for architecture in asked(space, 20))
  settings = search_flags.settings(values)
  assert (settings["oversized"], settings["max_multiply_adds"]) == ("not proposed", 160_000)


@pytest.fixture(scope="module")
def bounded(tmp_path_factory):
  workdir = tmp_path_factory.mktemp("runs")
  assert run(search, f"--workdir={workdir}", *SEARCH, f"--max_parameters={BOUND}") == 0
  return workdir


def test_every_network_of_a_bounded_search_is_trained(bounded):
  trials = read_trials(str(bounded))
  assert len(trials) == 2 and all(trial.evaluation.metrics["parameters"] <= BOUND for trial in trials)
  assert [trial.architecture for trial in trials] != asked(SPACE, 2)


def test_a_search_with_another_bound_is_another_search(bounded):
  with pytest.raises(RunDirectoryError, match="max_parameters was 2000, is 3000"):
    run(search, f"--workdir={bounded}", *SEARCH, "--max_parameters=3000")


def test_a_search_of_an_earlier_version_goes_on_with_the_proposals_it_would_have_made(bounded, tmp_path):
  for name in ("config.json", "trials.jsonl"):
    (tmp_path / name).write_bytes((bounded / name).read_bytes())
  as_of_an_earlier_version(tmp_path)
  values = flags(tmp_path, f"--max_parameters={BOUND}")
  space = search_flags.proposal_space(values)
  assert asked(space, 9) == asked(SPACE, 9)
  assert "oversized" not in search_flags.settings(values)


def test_a_bound_that_nothing_is_within_is_refused_before_anything_is_written(tmp_path):
  message = "pairs: 0 of 1000 random architectures have at most 10 parameters; the smallest has"
  with pytest.raises(ValueError, match=message):
    run(search, f"--workdir={tmp_path}", *SEARCH, "--max_parameters=10")
  assert not list(tmp_path.iterdir())


def test_multiply_adds_of_unknown_networks_cannot_be_bounded(tmp_path):
  values = flags(tmp_path, "--space=nasbench101", "--max_multiply_adds=10")
  with pytest.raises(ValueError, match="--max_multiply_adds: the multiply-adds of the networks of --space=nasbench101"):
    search_flags.proposal_space(values)
  values = flags(tmp_path, "--space=nasbench101", "--max_parameters=10")
  assert not isinstance(search_flags.proposal_space(values), BoundedSpace)


def test_the_bound_does_not_depend_on_how_an_architecture_is_encoded(tmp_path):
  space = search_flags.proposal_space(flags(tmp_path, f"--max_parameters={BOUND}"))
  rng = np.random.default_rng(2)
  for architecture in asked(SPACE, 20):
    assert space.is_admitted(architecture) == space.is_admitted(SPACE.random_isomorphic(architecture, rng))


@pytest.mark.parametrize(
  ("argv", "space", "evaluator"),
  [
    ([], "nasnet5", "training"),
    (["--strategy=random"], "nasnet5", "training"),
    (["--strategy=autokeras"], "autokeras", "inherited"),
    (["--strategy=autokeras", "--space=autokeras", "--evaluator=training"], "autokeras", "training"),
    (["--strategy=autokeras", "--space=nasnet5"], "nasnet5", "training"),
  ],
)
def test_a_strategy_brings_the_space_and_the_evaluator_that_it_is_made_for(tmp_path, argv, space, evaluator):
  values = parse(search, f"--workdir={tmp_path}", *argv)
  assert (values.space, values.evaluator) == (space, evaluator)
