"""Cells as KerasTuner hypermodels: every decision of a search space is a hyperparameter.

What is trained, on what and how, is a task's and a recipe's affair, so one hypermodel serves all kinds of cells.
"""

import collections
from collections.abc import Iterable, Mapping
from typing import Any

import keras_tuner
import tensorflow as tf
from tensorflow import keras

from nao_tf.evaluators.training_evaluator import child_seed
from nao_tf.spaces.base import SearchSpace
from nao_tf.spaces.hyperparameters import HyperParameterSpace
from nao_tf.tasks.base import NetworkTrainer, Task
from nao_tf.training.batch_trainer import Diverged
from nao_tf.trial import Architecture

REWARD = "reward"


class CellSpace(SearchSpace):
  """A search space whose genotypes are values of hyperparameters, one for each decision of a space of cells.

  It knows which cells are encodings of each other, as a space derived from the hyperparameters alone could not.
  """

  refinable = False
  refinements = 0

  def __init__(self, cells: SearchSpace):
    """Args:
    cells: the space of cells.
    """
    self.cells = cells
    self.name, self.decisions, self.decisions_per_step = cells.name, cells.decisions, cells.decisions_per_step
    self.names = tuple(f"{position:02d} {decision.kind}" for position, decision in enumerate(cells.decisions))

  @property
  def num_parameters(self) -> int:
    """Number of hyperparameters."""
    return len(self.names)

  @property
  def size(self):
    return self.cells.size

  def enumerate(self):
    return self.cells.enumerate()

  def declare(self, hp: keras_tuner.HyperParameters) -> Architecture:
    """Asks for all hyperparameters; returns the architecture that they are set to."""
    sizes = (decision.size for decision in self.decisions)
    return tuple(hp.Choice(name, list(range(size)), ordered=False) for name, size in zip(self.names, sizes))

  def check_rules(self, architecture):
    self.cells.check_rules(architecture)

  def sample(self, rng):
    return self.cells.sample(rng)

  def mutate(self, architecture, rng):
    return self.cells.mutate(architecture, rng)

  def canonical(self, architecture):
    return self.cells.canonical(architecture)

  def random_equivalent(self, architecture, rng):
    return self.cells.random_equivalent(architecture, rng)

  def random_isomorphic(self, architecture, rng):
    return self.cells.random_isomorphic(architecture, rng)

  def decode(self, architecture: Architecture) -> dict[str, int]:
    """Returns the values of the hyperparameters."""
    self.validate(architecture)
    return dict(zip(self.names, architecture))

  def encode(self, values: Mapping[str, Any]) -> Architecture:
    """Returns the architecture of the hyperparameters' values.

    Raises:
      ValueError: if one is missing or out of range.
    """
    missing = [name for name in self.names if name not in values]
    if missing:
      raise ValueError(f"{self.name}: there is no value for {', '.join(missing)}")
    architecture = tuple(values[name] for name in self.names)
    self.validate(architecture)
    return architecture


class CellHyperModel(keras_tuner.HyperModel):
  """Networks of searched cells, trained as a search trains its children.

  The objective is `keras_tuner.Objective("reward", "max")`, or a metric of the task on the validation set, such as
  "val_accuracy".

  Example:

      hypermodel = CellHyperModel(make_task("digits"), make_space("nasnet5"), network_config, TrainingConfig())
      tuner = NAOTuner(hypermodel, "val_accuracy", max_trials=50, make_space=hypermodel.make_space)
      tuner.search()
  """

  def __init__(self, task: Task, space: SearchSpace, network_config: Any, config: Any, *, seed: int = 0):
    """Args:
    task: what networks learn, images or text.
    space: of the task's kind of cells.
    network_config: how large and how regularized networks are.
    config: the recipe of their training.
    seed: of all trainings.
    """
    super().__init__()
    self._task, self._network_config, self._config, self._seed = task, network_config, config, seed
    self._space = CellSpace(space)
    self._trainer: NetworkTrainer | None = None
    self._num_runs: collections.Counter[Architecture] = collections.Counter()

  def make_space(self, hyperparameters: keras_tuner.HyperParameters, *, refinements: int = 1) -> SearchSpace:
    """Returns the space that an oracle searches: the cells', as long as nothing else is tuned."""
    if {hp.name for hp in hyperparameters.space} == set(self._space.names):
      return CellSpace(self._space.cells)
    return HyperParameterSpace(hyperparameters, refinements=refinements)

  def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
    """Returns a network, for the distribution strategy in whose scope it is called.

    Raises:
      keras_tuner.errors.FailedTrialError: if the cells are none of the space.
    """
    architecture = self._space.declare(hp)
    try:
      self._space.validate(architecture)
    except ValueError as error:
      raise keras_tuner.errors.FailedTrialError(str(error)) from error
    canonical = self._space.canonical(architecture)
    genotype = self._space.cells.decode(canonical)
    distribution, seed = tf.distribute.get_strategy(), self._child_seed(canonical)
    self._trainer = self._task.make_trainer(genotype, self._network_config, self._config, distribution=distribution, seed=seed)
    return self._trainer.network

  def fit(
    self,
    hp: keras_tuner.HyperParameters,
    model: keras.Model,
    *,
    callbacks: Iterable[keras.callbacks.Callback] = (),
    verbose: Any = None,
  ) -> dict[str, float]:
    """Trains the network that `build` returned last. The first run of a network has the seed that it has in a search.

    Args:
      hp: what it was built from.
      model: the network.
      callbacks: called at the beginning and end of the training and of each epoch.
      verbose: not used.

    Returns:
      The metrics of the last epoch on the validation set as `val_...`, and the `reward`.

    Raises:
      ValueError: if it is another network.
      keras_tuner.errors.FailedTrialError: if the loss is no number any more.
    """
    del verbose
    if self._trainer is None or model is not self._trainer.network:
      raise ValueError(f"expected the network that was built last, got {model!r}")
    self._num_runs[self._space.canonical(self._space.encode(hp.values))] += 1
    watchers = keras.callbacks.CallbackList(list(callbacks), model=model)
    watchers.on_train_begin()
    try:
      logs = self._fit(self._trainer, watchers)
    except Diverged as error:
      raise keras_tuner.errors.FailedTrialError(str(error)) from error
    watchers.on_train_end(logs)
    return logs

  def _child_seed(self, canonical: Architecture) -> int:
    run = self._num_runs[canonical]
    return child_seed(self._seed, (*canonical, run) if run else canonical)

  def _fit(self, trainer: NetworkTrainer, watchers: keras.callbacks.CallbackList) -> dict[str, float]:
    logs: dict[str, float] = {}
    watchers.on_epoch_begin(0)
    for number, metrics in enumerate(trainer.fit()):
      valid = {k.removeprefix("valid_"): v for k, v in metrics.items() if k.startswith("valid_")}
      if valid:
        logs = {**{f"val_{name}": value for name, value in valid.items()}, REWARD: self._task.reward(valid)}
      watchers.on_epoch_end(number, {"loss": metrics["train_loss"], **logs})
      if getattr(trainer.network, "stop_training", False):
        break
      if number + 1 < trainer.config.epochs:
        watchers.on_epoch_begin(number + 1)
    return logs
