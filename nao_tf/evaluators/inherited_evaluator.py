"""An evaluator in which networks inherit the weights of their parents, as in Auto-Keras (Jin et al., KDD 2019).

A candidate whose origin names a parent starts as the trained network of that parent, enlarged by network morphisms, and
continues training from there. The parent is looked up in the journal of the search. Weights of trained networks are
stored in the directory of the search, so the parent may have been trained by another worker.

Weights are kept for the networks with the highest rewards, as many as the settings say, for open trials, and for the
parents of open trials. All others are deleted during the search. A candidate whose parent's weights are gone is trained
from scratch, and its metrics say so.
"""

import dataclasses
import math
import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from absl import logging
from tensorflow import keras

from nao_tf.evaluators.context import EvaluatorContext
from nao_tf.evaluators.inherited_config import InheritedConfig, InheritedSettings
from nao_tf.evaluators.training_evaluator import TrainingEvaluator, child_seed
from nao_tf.evaluators.weight_store import WeightStore
from nao_tf.networks.inheritance import inherit, weights_of
from nao_tf.runs.journal import TRIALS_FILE, read_trials
from nao_tf.spaces.layered_moves import morph_plan
from nao_tf.training.base import Metrics, NetworkTrainer
from nao_tf.trial import Architecture, Evaluation, Trial, first_line, top_trials

DIRECTORY = "inherited_weights"
"""The directory of the weights, in that of the search."""
_NUM_EXAMPLES = 256
"""Training examples that new batch norms are calibrated with."""


class InheritedEvaluator(InheritedSettings, TrainingEvaluator):
  """Trains candidates from the weights of their parents.

  The metrics of an evaluation include `inherited_from`, the trial id of the parent, and `morphisms`, the number of
  morphisms from the parent to the child. Without a parent, `inherited_from` is None and `note` gives the reason. An
  evaluation depends only on the architecture, its parent and the settings.
  """

  def __init__(self, *args: Any, directory: str, config: InheritedConfig | None = None, **options: Any):
    """Initializes the evaluator, after checking that task and space are supported.

    Args:
      *args: arguments of `TrainingEvaluator`.
      directory: directory of the search, whose journal determines the parent of a candidate.
      config: settings of weight inheritance and early stopping; None for the defaults.
      **options: keyword arguments of `TrainingEvaluator`.

    Raises:
      ValueError: if the networks of the space are not networks of plain layers, or `TrainingEvaluator` raises it.
    """
    super().__init__(*args, **options)
    self.check_space(self._space)
    self._directory, self._config = directory, config or InheritedConfig()
    self._store = WeightStore(os.path.join(directory, DIRECTORY))
    self._inherited: dict[str, Any] = {}

  @classmethod
  def from_context(cls, context: EvaluatorContext) -> "InheritedEvaluator":
    """Returns the evaluator of a search; see `EvaluatorClass.from_context`."""
    if context.directory is None:
      raise ValueError("this evaluator keeps weights in files; pass `directory`")
    return cls(*cls.arguments(context), directory=context.directory, config=context.config, **cls.options(context))

  def check_epochs(self, epochs: Sequence[int]) -> None:
    """Raises a ValueError, since rungs cannot be combined with early stopping on the validation loss."""
    raise ValueError(
      f"inherited: candidates are trained until their loss stops improving, not in rungs; got {list(epochs)}"
    )

  def _evaluate(self, architecture: Architecture, until: int | None = None) -> Evaluation:
    self._inherited = {}
    evaluation = super()._evaluate(architecture, until)
    self._clean_up()
    return dataclasses.replace(evaluation, metrics={**evaluation.metrics, **self._inherited})

  def _begin(self, network: keras.Model, architecture: Architecture) -> None:
    """Initializes a network with the weights of its parent."""
    try:
      self._inherited = self._inherit(network, architecture)
    except _NotInherited as error:
      self._inherited = {"inherited_from": None, "note": f"trained from scratch: {error}"}

  def _end(self, network: keras.Model, architecture: Architecture) -> None:
    """Stores the weights of a trained network."""
    try:
      self._store.save(architecture, weights_of(network))
    except OSError as error:
      logging.warning("the weights of %s could not be stored: %s", architecture, error)

  def _epochs(self, trainer: NetworkTrainer) -> Iterator[Metrics]:
    """Trains until the validation loss stops improving; yields the epochs."""
    best, waited = math.inf, 0
    for epoch in super()._epochs(trainer):
      yield epoch
      self._inherited.setdefault("first_train_loss", epoch["train_loss"])
      if "valid_loss" not in epoch:
        continue
      is_better = epoch["valid_loss"] < best - self._config.min_improvement
      best, waited = (epoch["valid_loss"], 0) if is_better else (best, waited + 1)
      if self._config.patience and waited >= self._config.patience:
        return

  def _inherit(self, network: Any, architecture: Architecture) -> dict[str, Any]:
    """Initializes a network with the weights of its parent; returns the metrics to record."""
    parent = self._parent_of(architecture)
    plan = morph_plan(self._space.decode(parent.architecture), self._space.decode(architecture))
    if plan is None:
      raise _NotInherited(f"no morphisms lead to it from trial {parent.id}")
    weights = self._store.load(self._space.canonical(parent.architecture))
    if weights is None:
      raise _NotInherited(f"the weights of trial {parent.id} are missing")
    try:
      inherit(network, plan, weights, self._examples(), seed=child_seed(self._seed, architecture))
    except ValueError as error:
      raise _NotInherited(f"the weights of trial {parent.id} do not fit ({first_line(error)})") from error
    return {"inherited_from": parent.id, "morphisms": plan.num_morphisms}

  def _parent_of(self, architecture: Architecture) -> Trial:
    """Returns the parent of the open trial of an architecture."""
    trials = self._trials()
    own = [t for t in trials if t.evaluation is None and self._space.canonical(t.architecture) == architecture]
    parents = set(own[-1].origin.parents) if own else set()
    found = [trial for trial in trials if trial.id in parents]
    if not found:
      raise _NotInherited("it has no parent")
    return found[0]

  def _trials(self) -> list[Trial]:
    """Returns the trials of the search so far; none if there is no journal."""
    return read_trials(self._directory) if os.path.exists(os.path.join(self._directory, TRIALS_FILE)) else []

  def _examples(self) -> np.ndarray:
    """Returns some training examples."""
    batch_size = min(_NUM_EXAMPLES, self._task.num_examples("train"))
    images, *_ = next(iter(self._task.evaluation_batches("train", batch_size)))  # type: ignore[attr-defined]
    return np.asarray(images)

  def _clean_up(self) -> None:
    """Deletes weights that are no longer needed; see the module docstring."""
    trials = self._trials()
    waiting = [trial for trial in trials if trial.evaluation is None]
    parents = {parent for trial in waiting for parent in trial.origin.parents}
    kept = [*top_trials(trials, self._config.kept_networks), *waiting, *(t for t in trials if t.id in parents)]
    self._store.keep_only(self._space.canonical(trial.architecture) for trial in kept)


class _NotInherited(Exception):
  """Raised when a network cannot inherit weights; the message gives the reason."""
