"""Creates the trainers of searches that sample a path for each training step."""

from nao_tf.searches.one_shot.base import OneShotContext, OneShotTrainer
from nao_tf.supernets.sampling.trainer import make_sampling_trainer


def make_trainer(context: OneShotContext) -> OneShotTrainer:
  """Returns a fresh trainer of shared weights and of what samples paths through them.

  Raises:
    ValueError: if there is none for such a task, or what the context has does not fit together.
  """
  return make_sampling_trainer(
    context.task,
    context.space,
    context.configs.network_config,
    context.configs.training_config,
    context.config,
    context.sharing_config,
    distribution=context.distribution,
    seed=context.seed,
  )
