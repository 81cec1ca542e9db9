"""The controller of a search as a SavedModel."""

import dataclasses
import json
import os
import subprocess
import sys

import keras_tuner
import numpy as np
import pytest
import tensorflow as tf

from nao_tf.controller.config import ControllerConfig
from nao_tf.runs.journal import Journal
from nao_tf.runs.settings import RunDirectoryError, flat_settings
from nao_tf.searches.loop import run_search
from nao_tf.serving import export_controller
from nao_tf.serving.controller_export import export_strategy, read_strategy
from nao_tf.serving.saved_models import ExportError
from nao_tf.spaces import make_space
from nao_tf.spaces.hyperparameters import HyperParameterSpace
from nao_tf.strategies import make_strategy
from nao_tf.strategies.nao import Nao
from nao_tf.strategies.nao_config import NaoConfig
from nao_tf.strategies.nao_decoding import decode_around
from tests.support.toys import CountingEvaluator, ToySpace

CONFIG = NaoConfig(
  controller=ControllerConfig(
    num_steps=30, min_passes=1, token_size=4, encoder_size=8, mlp_size=8, decoder_token_size=4, unroll=False
  ),
  ensemble_size=2,
  num_initial=6,
  round_size=3,
  num_passes=1,
  oversampling=1.0,
  num_unlabeled=0,
)
SIZES = [0.0, 0.5, 1.0, 2.0, 5.0]


def values_space():
  hp = keras_tuner.HyperParameters()
  hp.Int("units", 8, 512)
  hp.Float("rate", 1e-4, 1e-1, sampling="log")
  hp.Choice("activation", ["relu", "tanh"])
  return HyperParameterSpace(hp)


def search(directory, space_name, *, strategy="nao", num_trials=9, config=CONFIG, **changes):
  """Searches as nao-search does, and leaves the same settings."""
  options = {"config": config} if config else {}
  settings = {"space": space_name, "strategy": strategy, "seed": 1, **flat_settings(options=config), **changes}
  proposer = make_strategy(strategy, make_space(space_name), seed=1, **options)
  with Journal(str(directory), settings) as journal:
    run_search(proposer, CountingEvaluator(), journal, num_trials=num_trials, batch_size=3)
  return proposer


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
  """A search on NAS-Bench-101, its strategy, and its exported controller."""
  directory = tmp_path_factory.mktemp("runs")
  strategy = search(directory / "search", "nasbench101")
  export_controller(directory / "search", str(directory / "controller"))
  return strategy, str(directory / "controller")


@pytest.fixture(scope="module")
def model(exported):
  return tf.saved_model.load(exported[1])


def some(space, count, seed=0):
  rng = np.random.default_rng(seed)
  return [space.sample(rng) for _ in range(count)]


def check_against(strategy, model):
  """Checks scores and improvements of a loaded controller against the strategy that it is of."""
  architectures = some(strategy.space, len(SIZES))
  given = tf.constant(architectures, tf.int32)
  expected = strategy.controller.score(strategy.vocabulary.encode(architectures))
  scores = model.signatures["score"](architectures=given)
  np.testing.assert_allclose(scores["member_scores"], expected.T, atol=1e-5)
  np.testing.assert_allclose(scores["score"], expected.mean(0), atol=1e-5)
  better = model.signatures["improve"](architectures=given, step_size=tf.constant(SIZES))
  rows = better["architectures"].numpy().tolist()
  for row in rows:
    strategy.space.validate(row)
  found = strategy.controller.score(strategy.vocabulary.encode(rows)).mean(0)
  np.testing.assert_allclose(better["score"], found, atol=1e-5)
  assert (found >= expected.mean(0) - 1e-6).all()
  return better


def test_an_exported_controller_scores_and_improves_as_its_strategy(exported, model):
  strategy, _ = exported
  better = check_against(strategy, model)
  legal = [[strategy.space.is_valid(row) for row in rows] for rows in better["candidates"].numpy().tolist()]
  np.testing.assert_array_equal(better["candidate_is_legal"], legal)


def test_candidates_are_what_the_strategy_decodes(exported, model):
  strategy, _ = exported
  architectures = some(strategy.space, 4, seed=5)
  tokens = decode_around(
    strategy.controller, strategy.config, strategy.vocabulary.encode(architectures), np.random.default_rng(0), 0.0
  )
  for size, moved in zip(CONFIG.step_sizes, tokens):  # At heat 0 every temperature is 0.
    better = model.improve(architectures, [size] * 4)["candidates"]
    expected = [strategy.vocabulary.decode(member) for member in moved[0]]
    np.testing.assert_array_equal(np.moveaxis(better, 0, 1), expected)


def test_what_was_loaded_can_be_called_and_takes_any_number(model, exported):
  architectures = some(exported[0].space, 3)
  whole = model(architectures)["score"]
  np.testing.assert_allclose(model(np.array(architectures[:1]))["score"], whole[:1], atol=1e-6)
  empty = model.signatures["improve"](architectures=tf.zeros([0, 26], tf.int32), step_size=tf.zeros([0]))
  assert empty["architectures"].shape == (0, 26)


@pytest.mark.parametrize("architecture", [[2] + [0] * 25, [-1] + [0] * 25])
def test_a_choice_out_of_range_is_an_error(model, architecture):
  with pytest.raises(tf.errors.InvalidArgumentError, match="a choice is out of its range"):
    model.signatures["score"](architectures=tf.constant([architecture]))


def test_the_asset_says_what_the_decisions_are(exported):
  with open(os.path.join(exported[1], "assets", "space.json"), encoding="utf-8") as file:
    about = json.load(file)
  decisions = exported[0].space.decisions
  assert about["space"] == "nasbench101" and about["rules_are_checked"]
  assert about["decisions"] == [{"kind": decision.kind, "size": decision.size} for decision in decisions]
  assert about["step_sizes"] == list(CONFIG.step_sizes)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nasnet5", "nasnet11", "rnn12", "nasbench201"])
def test_it_works_for_every_space(name, tmp_path):
  strategy = search(tmp_path / "search", name)
  export_controller(tmp_path / "search", str(tmp_path / "controller"))
  check_against(strategy, tf.saved_model.load(str(tmp_path / "controller")))


@pytest.mark.slow
def test_it_works_for_values_of_hyperparameters(tmp_path):
  strategy = Nao(values_space(), seed=1, config=CONFIG)
  evaluator = CountingEvaluator()
  with Journal(str(tmp_path / "search"), {}) as journal:
    run_search(strategy, evaluator, journal, num_trials=9, batch_size=3)
  export_strategy(strategy, str(tmp_path / "controller"))
  check_against(strategy, tf.saved_model.load(str(tmp_path / "controller")))


def test_a_single_controller_is_exported_and_rules_that_cannot_be_are_said(tmp_path, caplog):
  config = dataclasses.replace(CONFIG, ensemble_size=1, unit_gradient=False)
  strategy = search(tmp_path / "search", "tests.support.toys:ToySpace", config=config)
  assert isinstance(read_strategy(str(tmp_path / "search")).space, ToySpace)
  export_controller(tmp_path / "search", str(tmp_path / "controller"))
  assert "the rules of the space toy cannot be exported" in caplog.text
  scores = tf.saved_model.load(str(tmp_path / "controller"))([(0, 1, 0, 1)])["score"]
  np.testing.assert_allclose(
    scores, strategy.controller.score(strategy.vocabulary.encode([(0, 1, 0, 1)]))[0], atol=1e-5
  )


def test_a_search_without_a_controller_is_refused(tmp_path):
  search(tmp_path / "early", "nasbench201", num_trials=3)
  with pytest.raises(ExportError, match=r"early: its controller has not been trained yet; .* the first 6 trials"):
    export_controller(tmp_path / "early", str(tmp_path / "controller"))
  search(tmp_path / "random", "nasbench201", strategy="random", num_trials=3, config=None)
  with pytest.raises(RunDirectoryError, match="random: searched with the strategy random; only nao has a controller"):
    export_controller(tmp_path / "random", str(tmp_path / "controller"))
  with Journal(str(tmp_path / "own"), {"seed": 0}):
    pass
  with pytest.raises(RunDirectoryError, match=r"own: expected the directory of a search that records its space"):
    export_controller(tmp_path / "own", str(tmp_path / "controller"))
  assert not (tmp_path / "controller").exists()


def test_a_directory_with_something_else_is_refused_before_the_search_is_read(tmp_path):
  (tmp_path / "notes.txt").write_text("mine")
  with pytest.raises(ExportError, match="will not be replaced"):
    export_controller(tmp_path / "nowhere", str(tmp_path))


def test_a_damaged_cache_is_an_error_that_names_the_file(exported, tmp_path):
  strategy, _ = exported
  with Journal(str(tmp_path), {"space": "nasbench101", "strategy": "nao", "seed": 1, **flat_settings(options=CONFIG)}):
    pass
  strategy.save(str(tmp_path / "strategy"))
  path = tmp_path / "strategy" / "nao.npz"
  path.write_bytes(path.read_bytes()[:-100])
  with pytest.raises(ValueError, match="nao.npz"):
    export_controller(tmp_path, str(tmp_path / "controller"))


STRANGER = """
import sys
sys.modules["nao_tf"] = None  # It cannot be imported.
import tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
print(model.signatures["score"](architectures=tf.zeros([2, 26], tf.int32))["score"].numpy().tolist())
print(model([[0] * 26])["score"].numpy().tolist())
"""


@pytest.mark.slow
def test_it_loads_where_this_package_is_not(exported, tmp_path):
  environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
  done = subprocess.run(
    [sys.executable, "-c", STRANGER, exported[1]],
    cwd=tmp_path,
    env=environment,
    check=True,
    capture_output=True,
    text=True,
  )
  both, one = map(json.loads, done.stdout.splitlines())
  zeros = exported[0].controller.score(exported[0].vocabulary.encode([(0,) * 26])).mean()
  np.testing.assert_allclose([*both, *one], zeros, atol=1e-5)
