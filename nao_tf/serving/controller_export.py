"""Exports the controller of a NAO search as a SavedModel that does not need this package.

Inputs and outputs are architectures as in the journal of the search: tuples of choices, int32 `[B, D]`. There are two
signatures, the first of which is also `serving_default`.

`score` takes `architectures` and returns

  `score` `[B]`: the predicted score in (0, 1), higher is better; the mean over the controllers of the ensemble;
  `member_scores` `[B, E]`: the predicted score of each controller.

`improve` takes `architectures` and `step_size` `[B]`, and moves each architecture by that step size along the gradient
of its predicted score. Each controller of the ensemble decodes a candidate. It returns

  `architectures` `[B, D]`: the legal one with the highest predicted score among the candidates and the architecture
  itself;
  `score` `[B]`: its predicted score;
  `candidates` `[B, E, D]`, `candidate_scores` `[B, E]` and `candidate_is_legal` `[B, E]`: the candidate of each
  controller.

The asset `space.json` describes the decisions.
"""

import dataclasses
import json
import logging
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from nao_tf.controller import ascent
from nao_tf.runs.journal import read_search
from nao_tf.runs.recorded_configs import from_settings
from nao_tf.runs.settings import RunDirectoryError
from nao_tf.serving.architecture_rules import has_no_rules, rules_of
from nao_tf.serving.batches import Answers, answer_rows
from nao_tf.serving.saved_models import ExportError, write_saved_model
from nao_tf.spaces import make_space
from nao_tf.spaces.base import SearchSpace
from nao_tf.strategies import strategy_class
from nao_tf.strategies.nao import Nao
from nao_tf.strategies.nao_state import STATE_FILE
from nao_tf.training.variables import tf_variable

SCORE, IMPROVE = "score", "improve"
DEFAULT = "serving_default"
SPACE_FILE = "space.json"
TOLERANCE = 1e-5
_OPTIONS, _CONTROLLER = "options", "controller"
_STRATEGY_DIRECTORY = "strategy"
_NUM_COMPARED = 5


def read_strategy(directory: str) -> Nao:
  """Loads the strategy of a search with its trained controller. The search may still be running.

  Args:
    directory: directory of the search.

  Raises:
    RunDirectoryError: if it is not the directory of a search with the strategy nao.
    ExportError: if its controller has not been trained yet.
    ValueError: if a file in the directory cannot be parsed.
    OSError: if a file in the directory cannot be read.
  """
  settings, _ = read_search(directory)
  cls = _nao_class(directory, settings)
  strategy = cls(make_space(settings["space"]), seed=settings.get("seed", 0), config=_config(cls, settings))
  path = os.path.join(directory, _STRATEGY_DIRECTORY, STATE_FILE)
  if os.path.exists(path):
    strategy.read(path)
  if not strategy.is_fitted:
    raise ExportError(
      f"{directory}: its controller has not been trained yet; that happens after the first"
      f" {strategy.config.num_initial} trials"
    )
  return strategy


def export_strategy(strategy: Nao, directory: str) -> None:
  """Exports the controller of a strategy as a SavedModel and verifies that the loaded model gives the same scores.

  Args:
    strategy: a strategy whose controller has been trained.
    directory: path of the directory to write. An earlier export there is replaced.

  Raises:
    ExportError: if the controller has not been trained yet, the directory contains anything other than an export,
      another process is exporting there, or the scores differ.
    OSError: if the directory cannot be written to.
  """
  if not strategy.is_fitted:
    raise ExportError(f"{directory}: the controller has not been trained yet")
  if rules_of(strategy.space) is None:
    logging.warning(
      "%s: the rules of the space %s cannot be exported; check what `improve` returns with `space.is_valid`",
      directory,
      strategy.space.name,
    )

  def make(paths: Mapping[str, str]) -> tuple[tf.Module, dict[str, Any]]:
    module = ServedController(strategy, list(paths.values()))
    return module, {DEFAULT: module.score, SCORE: module.score, IMPROVE: module.improve}

  text = json.dumps(_describe(strategy), indent=2) + "\n"
  write_saved_model(directory, make, texts={SPACE_FILE: text}, check=lambda module, loaded: _compare(strategy, loaded))


class ServedController(tf.Module):
  """What is written: the weights of a controller, the signatures, and the assets.

  Attributes:
    weights: the variables.
    assets: the assets.
    score: the function of the first signature.
    improve: the function of the second signature.
  """

  def __init__(self, strategy: Nao, asset_paths: list[str]):
    """Creates the functions.

    Args:
      strategy: has the controller.
      asset_paths: paths of the files to write beside the graph.
    """
    super().__init__(name=_CONTROLLER)
    self.weights = [tf_variable(variable) for variable in strategy.controller.trainable_variables]
    self.assets = [tf.saved_model.Asset(path) for path in asset_paths]
    answers = _Answers(strategy)
    architectures = tf.TensorSpec([None, strategy.vocabulary.length], tf.int32, "architectures")
    step_size = tf.TensorSpec([None], tf.float32, "step_size")

    def score(architectures_: tf.Tensor) -> Answers:
      return answer_rows(answers.score, {"architectures": architectures_}, {"architectures": architectures})

    def improve(architectures_: tf.Tensor, step_size_: tf.Tensor) -> Answers:
      values = {"architectures": architectures_, "step_size": step_size_}
      return answer_rows(answers.improve, values, {"architectures": architectures, "step_size": step_size})

    self.score = tf.function(score, input_signature=[architectures], autograph=False)
    self.improve = tf.function(improve, input_signature=[architectures, step_size], autograph=False)
    self.__call__ = self.score  # What was loaded can be called, too.


class _Answers:
  """What the signatures compute, as operations of a graph."""

  def __init__(self, strategy: Nao):
    self._controller, vocabulary = strategy.controller, strategy.vocabulary
    self._offsets = np.asarray(vocabulary.offsets, np.int32)
    self._sizes = np.asarray(vocabulary.sizes, np.int32)
    self._unit_gradient = strategy.config.unit_gradient
    self._is_legal = rules_of(strategy.space) or has_no_rules

  def score(self, architectures: tf.Tensor) -> Answers:
    """Returns the scores of architectures `[B, D]`."""
    scores = self._scores(self._controller.encode(self._tokens(architectures)))
    return {"score": tf.reduce_mean(scores, axis=1), "member_scores": scores}

  def improve(self, architectures: tf.Tensor, step_size: tf.Tensor) -> Answers:
    """Returns better architectures than those given, `[B, D]`."""
    candidates = self._candidates(architectures, step_size)
    legal = tf.map_fn(self._is_legal, candidates, fn_output_signature=tf.bool)
    flat = tf.reshape(candidates, [-1, candidates.shape[-1]])
    scores = tf.reshape(self.score(flat)["score"], tf.shape(legal))
    start = self.score(architectures)["score"]
    choices = tf.concat([architectures[tf.newaxis], candidates], axis=0)
    values = tf.concat([start[tf.newaxis], tf.where(legal, scores, -1.0)], axis=0)
    best = tf.argmax(values, axis=0, output_type=tf.int32)  # The architecture itself, which comes first, wins a tie.
    return {
      "architectures": tf.gather(tf.transpose(choices, [1, 0, 2]), best, batch_dims=1),
      "score": tf.reduce_max(values, axis=0),
      "candidates": tf.transpose(candidates, [1, 0, 2]),
      "candidate_scores": tf.transpose(scores),
      "candidate_is_legal": tf.transpose(legal),
    }

  def _candidates(self, architectures: tf.Tensor, step_size: tf.Tensor) -> tf.Tensor:
    """Returns what each controller writes after the move, choices `[E, B, D]`."""
    memory = self._controller.encode(self._tokens(architectures))
    along = "logit" if self._unit_gradient else "score"
    sizes = step_size[:, tf.newaxis, tf.newaxis]
    moved = ascent.step(self._controller, memory, sizes, along, self._unit_gradient)
    return self._controller.decode(moved) - self._offsets

  def _tokens(self, architectures: tf.Tensor) -> tf.Tensor:
    message = "a choice is out of its range; the asset space.json has the number of choices of each decision"
    tf.debugging.assert_non_negative(architectures, message)
    tf.debugging.assert_less(architectures, self._sizes, message)
    return architectures + self._offsets

  def _scores(self, memory: tf.Tensor) -> tf.Tensor:
    """Returns the scores `[B, E]` of memories `[E, B, T, H]`."""
    return tf.transpose(self._controller.predict_score(memory))


def _nao_class(directory: str, settings: Mapping[str, Any]) -> type[Nao]:
  """Returns the class of the strategy of a search."""
  missing = [name for name in ("space", "strategy") if not isinstance(settings.get(name), str)]
  if missing:
    raise RunDirectoryError(
      f"{directory}: expected the directory of a search that records its space and its strategy; there is no"
      f" {missing[0]} among its settings"
    )
  cls = strategy_class(settings["strategy"])
  if not issubclass(cls, Nao):
    raise RunDirectoryError(
      f"{directory}: searched with the strategy {settings['strategy']}; only nao has a controller"
    )
  return cls


def _config(cls: type[Nao], settings: Mapping[str, Any]) -> Any:
  """Returns the settings of the strategy: those on record, or else the defaults."""
  config, inner = cls.config_class(), f"{_OPTIONS}.{_CONTROLLER}"
  outer = {key: value for key, value in settings.items() if not key.startswith(f"{inner}.")}
  controller = from_settings(config.controller, settings, inner)
  return dataclasses.replace(from_settings(config, outer, _OPTIONS), controller=controller)


def _describe(strategy: Nao) -> dict[str, Any]:
  """Returns what `space.json` says: the decisions, and how the search itself moved."""
  space: SearchSpace = strategy.space
  return {
    "space": space.name,
    "decisions": [{"kind": decision.kind, "size": decision.size} for decision in space.decisions],
    "rules_are_checked": rules_of(space) is not None,
    "step_sizes": list(strategy.config.step_sizes),
  }


def _compare(strategy: Nao, loaded: Any) -> None:
  """Compares the scores of a strategy and its loaded SavedModel for random architectures.

  Raises:
    ExportError: if they differ.
  """
  rng = np.random.default_rng(0)
  architectures = [strategy.space.sample(rng) for _ in range(_NUM_COMPARED)]
  expected = strategy.controller.score(strategy.vocabulary.encode(architectures))
  scores = loaded.signatures[SCORE](architectures=tf.constant(architectures, tf.int32))["member_scores"].numpy()
  difference = np.abs(scores.T - expected).max()
  if not difference <= TOLERANCE:
    raise ExportError(f"the export's scores differ from the controller's by {difference} on random architectures")
