"""Networks of searched cells as a KerasTuner hypermodel, for any task and any cell space."""

import collections
from collections.abc import Iterable
from typing import Any

import keras_tuner
import tensorflow as tf
from tensorflow import keras

from nao_tf.evaluators.training_evaluator import child_seed
from nao_tf.networks.buildable import sample_genotype
from nao_tf.spaces.base import SearchSpace
from nao_tf.spaces.hyperparameters import HyperParameterSpace
from nao_tf.spaces.value_space import ValueSpace
from nao_tf.tasks.base import Task
from nao_tf.tasks.trainers import make_trainer
from nao_tf.training.base import Diverged, Metrics, NetworkTrainer
from nao_tf.training.graph_memory import released_graphs
from nao_tf.trial import Architecture
from nao_tf.tuner.cell_space import CellSpace

REWARD = "reward"
"""Name of the metric that is the reward."""

_DATA = "the task of the CellHyperModel has the data; for your own data create a task, see docs/guides/own_task.md"
_TRAINING = "the training_config of the CellHyperModel says how networks are trained"
_CALLBACKS = {
  keras.callbacks.LearningRateScheduler: _TRAINING,
  keras.callbacks.ReduceLROnPlateau: _TRAINING,
  keras.callbacks.BackupAndRestore: "a trial is not resumed but starts over",
}
"""Callbacks that cannot work here, and why."""

_ARGUMENTS = {
  **dict.fromkeys(("x", "y", "validation_data", "validation_split", "sample_weight", "class_weight"), _DATA),
  **dict.fromkeys(("validation_steps", "validation_batch_size", "validation_freq"), _TRAINING),
  **dict.fromkeys(("batch_size", "epochs", "steps_per_epoch", "initial_epoch", "shuffle"), _TRAINING),
}
"""Arguments of `keras.Model.fit` that are refused, and where the same is said instead."""


class CellHyperModel(keras_tuner.HyperModel):
  """A KerasTuner hypermodel of networks built from searched cells, trained like the candidates of a search.

  The objective is `keras_tuner.Objective("reward", "max")`, or a validation metric of the task, such as "val_accuracy".
  The task provides the data, and `training_config` the training hyperparameters. Therefore `search` only accepts
  `callbacks` and `verbose` of the arguments of `keras.Model.fit`; others are refused before the first trial.

  Example:
      hypermodel = CellHyperModel(make_task("digits"), make_space("nasnet5"), network_config, TrainingConfig())
      tuner = NAOTuner(hypermodel, "val_accuracy", max_trials=50, make_space=hypermodel.make_space)
      tuner.search()
  """

  def __init__(self, task: Task, space: SearchSpace, network_config: Any, training_config: Any, *, seed: int = 0):
    """Initializes the hypermodel.

    Args:
      task: the task to train networks on, of images or text.
      space: the cell space, of a kind that the task supports.
      network_config: size and regularization of the networks.
      training_config: how networks are trained.
      seed: random seed of all trainings.
    """
    super().__init__()
    self._task, self._network_config, self._training_config = task, network_config, training_config
    self._seed = seed
    self._space = CellSpace(space)
    self._trainer: NetworkTrainer | None = None
    self._num_runs: collections.Counter[Architecture] = collections.Counter()

  def make_space(self, hyperparameters: keras_tuner.HyperParameters, /, *, refinements: int = 1) -> ValueSpace:
    """Returns the space for an oracle: the cell space, if nothing else is tuned."""
    if {hp.name for hp in hyperparameters.space} == set(self._space.names):
      return CellSpace(self._space.cells)
    return HyperParameterSpace(hyperparameters, refinements=refinements)

  def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
    """Builds a network in the scope of the current `tf.distribute.Strategy`.

    Raises:
      keras_tuner.errors.FailedTrialError: if the cells do not belong to the space.
    """
    architecture = self._space.declare(hp)
    try:
      self._space.validate(architecture)
    except ValueError as error:
      raise keras_tuner.errors.FailedTrialError(str(error)) from error
    canonical = self._space.canonical(architecture)
    self._trainer = make_trainer(
      self._task,
      self._space.cells.decode(canonical),
      self._network_config,
      self._training_config,
      distribution=tf.distribute.get_strategy(),
      seed=self._run_seed(canonical),
    )
    return self._trainer.network

  def fit(
    self,
    hp: keras_tuner.HyperParameters,
    model: keras.Model,
    *args: Any,
    callbacks: Iterable[keras.callbacks.Callback] | None = (),
    verbose: Any = None,
    **kwargs: Any,
  ) -> Metrics:
    """Trains the network that `build` returned last. The first run of a network uses the same seed as in a search.

    Args:
      hp: the hyperparameters that the network was built from.
      model: the network.
      *args: not supported; accepted so that data is refused with an explanation.
      callbacks: callbacks for the start and end of the training and of each epoch.
      verbose: ignored.
      **kwargs: not supported, except with the value None.

    Returns:
      The validation metrics of the last epoch, prefixed with `val_`, and the `reward`.

    Raises:
      ValueError: if it is another network, or an argument is refused.
      keras_tuner.errors.FailedTrialError: if the loss becomes NaN or infinite.
    """
    callbacks = list(callbacks or ())
    self.check_fit_arguments(*args, callbacks=callbacks, verbose=verbose, **kwargs)
    if self._trainer is None or model is not self._trainer.network:
      raise ValueError(f"expected the network that was built last, got {model!r}")
    self._num_runs[self._space.canonical(self._space.encode(hp.values))] += 1
    with released_graphs():
      trainer, self._trainer = self._trainer, None  # So that nothing keeps its graphs.
      logs = self._fit_with(trainer, callbacks)
      del trainer
    return logs

  def check_fit_arguments(self, *args: Any, **kwargs: Any) -> None:
    """Checks arguments of `fit`, and that there are networks to fit; a `StrategyTuner` does so before the first trial.

    Args:
      *args: positional arguments, such as the data.
      **kwargs: keyword arguments. Those with the value None are ignored.

    Raises:
      keras_tuner.errors.FatalValueError: if there are arguments other than `callbacks` and `verbose`, or a callback is
        not supported, or networks for the task cannot be built from the architectures of the space. It is a
        `ValueError` and ends the search.
    """
    self._check_genotypes()
    given = [*("x", "y")[: len(args)], *(name for name, value in kwargs.items() if value is not None)]
    for name in given:
      if name not in ("callbacks", "verbose"):
        reason = _ARGUMENTS.get(name, "only callbacks and verbose are supported")
        raise keras_tuner.errors.FatalValueError(f"CellHyperModel: expected no argument {name!r} of fit: {reason}")
    for callback in kwargs.get("callbacks") or ():
      _check_callback(callback)

  def _check_genotypes(self) -> None:
    """Checks that networks for the task can be built from the architectures of the space."""
    try:
      self._task.check_genotype(sample_genotype(self._space.cells))
    except ValueError as error:
      raise keras_tuner.errors.FatalValueError(f"CellHyperModel: {error}") from error

  def _run_seed(self, canonical: Architecture) -> int:
    """Returns the seed of a training: that of a search the first time, and other ones later."""
    run = self._num_runs[canonical]
    return child_seed(self._seed, (*canonical, run) if run else canonical)

  def _fit_with(self, trainer: NetworkTrainer, callbacks: list[keras.callbacks.Callback]) -> Metrics:
    """Trains with callbacks; returns the latest metrics on the validation set."""
    if not hasattr(trainer.network, "optimizer"):
      trainer.network.optimizer = None  # Some callbacks ask for it, and Keras 3 sets it in `compile` only.
    epochs, steps = trainer.training_config.epochs, trainer.steps_per_epoch
    callback_list = keras.callbacks.CallbackList(
      callbacks, model=trainer.network, epochs=epochs, steps=steps, verbose=0
    )
    callback_list.on_train_begin()
    try:
      logs = self._fit(trainer, callback_list)
    except Diverged as error:
      raise keras_tuner.errors.FailedTrialError(str(error)) from error
    callback_list.on_train_end(logs)
    return logs

  def _fit(self, trainer: NetworkTrainer, callback_list: keras.callbacks.CallbackList) -> Metrics:
    """Trains, with callbacks around each epoch; returns the latest metrics on the validation set."""
    logs: Metrics = {}
    callback_list.on_epoch_begin(0)
    for epoch, metrics in enumerate(trainer.fit()):
      logs = self._validation_logs(metrics) or logs
      callback_list.on_epoch_end(epoch, {"loss": metrics["train_loss"], **logs})
      if getattr(trainer.network, "stop_training", False):
        break
      if epoch + 1 < trainer.training_config.epochs:
        callback_list.on_epoch_begin(epoch + 1)
    return logs

  def _validation_logs(self, metrics: Metrics) -> Metrics:
    """Returns the metrics on the validation set under Keras' names, and the reward; nothing if there are none."""
    valid = {name.removeprefix("valid_"): value for name, value in metrics.items() if name.startswith("valid_")}
    return (
      {**{f"val_{name}": value for name, value in valid.items()}, REWARD: self._task.reward(valid)} if valid else {}
    )


def _check_callback(callback: keras.callbacks.Callback) -> None:
  """Checks that a callback can work without Keras' own training.

  Raises:
    keras_tuner.errors.FatalValueError: if it cannot.
  """
  reasons = [reason for kind, reason in _CALLBACKS.items() if isinstance(callback, kind)]
  if isinstance(callback, keras.callbacks.ModelCheckpoint) and not callback.save_weights_only:
    reasons.append("only weights can be saved; pass save_weights_only=True")
  if reasons:
    raise keras_tuner.errors.FatalValueError(
      f"CellHyperModel: expected no callback {type(callback).__name__}: {reasons[0]}"
    )
