"""Networks of searched cells as a KerasTuner hypermodel, for any task and any space of cells."""

import collections
from collections.abc import Iterable
from typing import Any

import keras_tuner
import tensorflow as tf
from tensorflow import keras

from nao_tf.evaluators.training_evaluator import child_seed
from nao_tf.spaces.base import SearchSpace
from nao_tf.spaces.hyperparameters import HyperParameterSpace
from nao_tf.spaces.value_space import ValueSpace
from nao_tf.tasks.base import Task
from nao_tf.tasks.trainers import make_trainer
from nao_tf.training.base import Diverged, Metrics, NetworkTrainer
from nao_tf.trial import Architecture
from nao_tf.tuner.cell_space import CellSpace

REWARD = "reward"
"""Name of the metric that is the reward."""


class CellHyperModel(keras_tuner.HyperModel):
  """Networks of searched cells, trained as a search trains its children.

  The objective is `keras_tuner.Objective("reward", "max")`, or a metric of the task on the validation set, such as
  "val_accuracy".

  Example:
      hypermodel = CellHyperModel(make_task("digits"), make_space("nasnet5"), network_config, TrainingConfig())
      tuner = NAOTuner(hypermodel, "val_accuracy", max_trials=50, make_space=hypermodel.make_space)
      tuner.search()
  """

  def __init__(self, task: Task, space: SearchSpace, network_config: Any, training_config: Any, *, seed: int = 0):
    """Makes a hypermodel.

    Args:
      task: what networks learn, images or text.
      space: the space of the cells. The task must be able to train their networks.
      network_config: how large and how regularized networks are.
      training_config: how networks are trained.
      seed: seed of all trainings.
    """
    super().__init__()
    self._task, self._network_config, self._training_config = task, network_config, training_config
    self._seed = seed
    self._space = CellSpace(space)
    self._trainer: NetworkTrainer | None = None
    self._num_runs: collections.Counter[Architecture] = collections.Counter()

  def make_space(self, hyperparameters: keras_tuner.HyperParameters, /, *, refinements: int = 1) -> ValueSpace:
    """Returns the space that an oracle searches: that of the cells, as long as nothing else is tuned."""
    if {hp.name for hp in hyperparameters.space} == set(self._space.names):
      return CellSpace(self._space.cells)
    return HyperParameterSpace(hyperparameters, refinements=refinements)

  def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
    """Returns a network, for the `tf.distribute.Strategy` in whose scope it is called.

    Raises:
      keras_tuner.errors.FailedTrialError: if the cells are not in the space.
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
    *,
    callbacks: Iterable[keras.callbacks.Callback] = (),
    verbose: Any = None,
  ) -> Metrics:
    """Trains the network that `build` returned last. The first run of a network has the seed that it has in a search.

    Args:
      hp: the hyperparameters that the network was built from.
      model: the network.
      callbacks: called at the beginning and end of the training and of each epoch.
      verbose: not used.

    Returns:
      The metrics of the last epoch on the validation set as `val_...`, and the `reward`.

    Raises:
      ValueError: if it is another network.
      keras_tuner.errors.FailedTrialError: if the loss becomes NaN or infinite.
    """
    del verbose
    if self._trainer is None or model is not self._trainer.network:
      raise ValueError(f"expected the network that was built last, got {model!r}")
    self._num_runs[self._space.canonical(self._space.encode(hp.values))] += 1
    callback_list = keras.callbacks.CallbackList(list(callbacks), model=model)
    callback_list.on_train_begin()
    try:
      logs = self._fit(self._trainer, callback_list)
    except Diverged as error:
      raise keras_tuner.errors.FailedTrialError(str(error)) from error
    callback_list.on_train_end(logs)
    return logs

  def _run_seed(self, canonical: Architecture) -> int:
    """Returns the seed of a training: that of a search the first time, and other ones later."""
    run = self._num_runs[canonical]
    return child_seed(self._seed, (*canonical, run) if run else canonical)

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
