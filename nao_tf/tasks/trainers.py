"""Creates the trainer of a network for a task, chosen by the class of the task."""

from collections.abc import Callable

import tensorflow as tf
from tensorflow import keras

from nao_tf.networks.building import NetworkConfig, build_network, complete_network_config
from nao_tf.networks.precision import mixed_precision
from nao_tf.registries import resolve_for
from nao_tf.spaces.genotypes import Genotype
from nao_tf.tasks.base import Task
from nao_tf.training.base import BaseTrainingConfig, NetworkTrainer
from nao_tf.training.optimizers import check_optimizer

TRAINERS = {
  "nao_tf.tasks.base:BatchTask": "nao_tf.training.batch_trainer:BatchTrainer",
  "nao_tf.tasks.base:StreamTask": "nao_tf.training.language_trainer:LanguageModelTrainer",
}


def check_training(
  task: Task, training_config: BaseTrainingConfig, *, num_replicas: int | None = None, jit_compile: str = "auto"
) -> None:
  """Checks that networks of a task can be trained with a configuration, without building one.

  Args:
    task: the task.
    training_config: how a network is to be trained.
    num_replicas: number of devices that share a batch; None for that of the current distribution.
    jit_compile: whether training steps are compiled with XLA.

  Raises:
    ValueError: if the configuration has the wrong type for the task, the data has less than one batch, a batch cannot
      be split among the replicas or into its parts, steps cannot be compiled, there is no such optimizer, or it
      cannot follow the learning rate.
  """
  training_config = task.complete_training_config(training_config)
  replicas = num_replicas or tf.distribute.get_strategy().num_replicas_in_sync
  resolve_for(task, TRAINERS, "trainer").check(training_config, num_replicas=replicas, jit_compile=jit_compile)
  task.steps_per_epoch(training_config)
  check_optimizer(training_config)


def make_trainer(
  task: Task,
  genotype: Genotype,
  network_config: NetworkConfig,
  training_config: BaseTrainingConfig,
  *,
  distribution: tf.distribute.Strategy,
  seed: int,
  on_network: Callable[[keras.Model], None] = lambda network: None,
  jit_compile: str = "auto",
) -> NetworkTrainer:
  """Builds the network of a genotype and returns its trainer.

  Args:
    task: the task.
    genotype: genotype of the network, as decoded by a search space.
    network_config: size and regularization of the network.
    training_config: how the network is trained.
    distribution: the `tf.distribute.Strategy` to train with.
    seed: random seed of the weights, the order of the examples, and all other randomness.
    on_network: called with the network before its optimizer is created, for example to load weights.
    jit_compile: whether training steps are compiled with XLA; see `nao_tf.training.compilation.compiled_step`.

  Raises:
    ValueError: if the genotype or a configuration has the wrong type for the task, the data has less than one batch, or
      a batch cannot be split among the replicas.
  """
  task.check_genotype(genotype)
  trainer_class = resolve_for(task, TRAINERS, "trainer")
  training_config = task.complete_training_config(training_config)
  network_config = complete_network_config(
    network_config,
    num_steps=training_config.epochs * task.steps_per_epoch(training_config),
    num_replicas=distribution.num_replicas_in_sync,
  )
  with distribution.scope(), mixed_precision(getattr(training_config, "mixed_precision", "none")):
    network = build_network(
      genotype, network_config, input_shape=task.input_shape, num_outputs=task.num_outputs, seed=seed
    )
    on_network(network)
  options = {"distribution": distribution, "seed": seed, "jit_compile": jit_compile}
  return trainer_class(task, network, training_config, **options)
