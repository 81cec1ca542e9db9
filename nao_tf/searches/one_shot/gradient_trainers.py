"""Creates the trainers of gradient-based searches."""

from nao_tf.registries import resolve_for
from nao_tf.searches.one_shot.base import OneShotContext, OneShotTrainer

RELAXED_TRAINERS = {
  "nao_tf.tasks.base:BatchTask": "nao_tf.supernets.relaxed.relaxed_trainer:make_relaxed_trainer",
  "nao_tf.tasks.base:StreamTask": "nao_tf.supernets.relaxed.relaxed_recurrent_trainer:make_relaxed_recurrent_trainer",
}
"""Import paths of functions that make the trainer of a relaxed network, by the import path of the class of tasks."""

DATA_CHECKS = {
  "nao_tf.tasks.base:BatchTask": "nao_tf.supernets.relaxed.relaxed_trainer:check_data",
  "nao_tf.tasks.base:StreamTask": "nao_tf.supernets.relaxed.relaxed_recurrent_trainer:check_data",
}
"""Import paths of functions that check whether there is enough data, by the import path of the class of tasks."""


def check_data(context: OneShotContext) -> None:
  """Checks that a relaxed network can learn from the data.

  Raises:
    ValueError: if there is too little of it, or there is no relaxed network for such a task.
  """
  check = resolve_for(context.task, DATA_CHECKS, "relaxed network")
  check(context.task, context.configs.training_config, context.config)


def make_gradient_trainer(context: OneShotContext) -> OneShotTrainer:
  """Returns a fresh trainer of the relaxed network for a task.

  Raises:
    ValueError: if there is none for such a task, or what the context has does not fit together.
  """
  make = resolve_for(context.task, RELAXED_TRAINERS, "relaxed network")
  trainer: OneShotTrainer = make(
    context.task,
    context.space,
    context.configs.network_config,
    context.configs.training_config,
    context.config,
    distribution=context.distribution,
    seed=context.seed,
  )
  return trainer
