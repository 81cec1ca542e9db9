"""Scores architectures with shared weights that another process trains.

`SharedWeightsEvaluator` trains the supernet in the main process of a search. Workers load its last checkpoint to score
architectures in parallel. Each architecture is prefixed with the number of training steps, so that no worker scores
with outdated weights.
"""

import os
from collections.abc import Iterator, Sequence

import tensorflow as tf

from nao_tf.evaluators.base import EvaluatorError
from nao_tf.evaluators.context import EvaluatorContext
from nao_tf.evaluators.shared_weights_evaluator import DIRECTORY, TRAINING_DIRECTORY
from nao_tf.supernets import make_supernet_trainer
from nao_tf.supernets.supernet_trainer import SupernetTrainer
from nao_tf.tasks.base import Task
from nao_tf.training.training_directory import restore_latest
from nao_tf.trial import Architecture, Evaluation


class SharedScores:
  """Scores architectures that are prefixed with the number of training steps of the shared weights."""

  def __init__(self, trainer: SupernetTrainer, directory: str):
    """Initializes the evaluator.

    Args:
      trainer: a fresh trainer, constructed like the one that trains the supernet.
      directory: directory of the training; it is only read.
    """
    self._trainer, self._directory = trainer, directory

  @classmethod
  def from_context(cls, context: EvaluatorContext) -> "SharedScores":
    """Returns the evaluator of a worker of a search.

    Raises:
      ValueError: if the context has no task or no directory.
    """
    directory = context.directory_for("shared weights")
    return cls(make_trainer(context, context.task()), training_directory(directory))

  def evaluate(self, architectures: Sequence[Architecture]) -> Iterator[Evaluation]:
    """Yields an evaluation with the metrics of each architecture, formatted as text since JSON has no infinity.

    Raises:
      EvaluatorError: if there is no checkpoint with that number of steps.
    """
    for num_steps, *choices in architectures:
      self._take_weights(num_steps)
      metrics = self._trainer.score(tuple(choices))
      yield Evaluation(0.0, 0.0, {name: repr(float(value)) for name, value in metrics.items()})

  def _take_weights(self, num_steps: int) -> None:
    if self._trainer.num_steps_done != num_steps:
      restore_latest(self._directory, self._trainer)
    if self._trainer.num_steps_done != num_steps:
      raise EvaluatorError(
        f"{self._directory}: expected shared weights after {num_steps} steps, got those after"
        f" {self._trainer.num_steps_done}; workers read them from the directory of the search, which all must see"
      )


def make_trainer(context: EvaluatorContext, task: Task) -> SupernetTrainer:
  """Returns a fresh trainer, constructed like the one of the search, for the given context and task."""
  configs = context.supernet_configs(task)
  return make_supernet_trainer(
    task,
    context.space,
    configs.network_config,
    configs.training_config,
    context.sharing_config,
    distribution=context.distribution or tf.distribute.get_strategy(),
    seed=context.seed,
  )


def training_directory(directory: str) -> str:
  """Returns the directory in which the supernet of a search is trained, given the directory of the search."""
  return os.path.join(directory, DIRECTORY, TRAINING_DIRECTORY)
