"""Estimates the memory of a training, and suggests a batch size when it runs out of memory."""

from typing import Any

import tensorflow as tf

from nao_tf.networks.building import build_network, complete_network_config
from nao_tf.networks.cost_bounds import genotype_describer
from nao_tf.networks.language_costs import kept_bytes
from nao_tf.networks.precision import mixed_precision
from nao_tf.networks.training_estimates import TrainingMemory
from nao_tf.searches.memory import total_memory
from nao_tf.spaces.genotypes import IMAGE_GENOTYPES, Genotype, LstmGenotype, RecurrentGenotype
from nao_tf.tasks.base import BatchTask, Configs, StreamTask, Task
from nao_tf.training.activation_memory import activation_bytes
from nao_tf.training.config import is_elementwise
from nao_tf.training.optimizers import num_slots

_SINGLE, _HALF = 4, 2
"""Bytes of a value."""


def training_memory(task: Task, genotype: Genotype, configs: Configs, *, num_replicas: int) -> TrainingMemory | None:
  """Estimates the memory of training a network on each replica; None for networks of other kinds.

  Args:
    task: the task.
    genotype: genotype of the network.
    configs: how the network is built and trained.
    num_replicas: number of devices that share the batch.
  """
  if isinstance(task, BatchTask) and isinstance(genotype, IMAGE_GENOTYPES):
    return _of_images(task, genotype, configs, num_replicas)
  if isinstance(task, StreamTask) and isinstance(genotype, RecurrentGenotype | LstmGenotype):
    return _of_text(task, genotype, configs, num_replicas)
  return None


def _of_images(task: BatchTask, genotype: Any, configs: Configs, num_replicas: int) -> TrainingMemory:
  config: Any = task.complete_training_config(configs.training_config)
  network_config = complete_network_config(configs.network_config, num_steps=1, num_replicas=1)
  with mixed_precision(config.mixed_precision):
    network = build_network(
      genotype, network_config, input_shape=task.input_shape, num_outputs=task.num_outputs, seed=0
    )
  num_weights = sum(variable.shape.num_elements() or 1 for variable in map(tf.convert_to_tensor, network.weights))
  of_example = activation_bytes(task, network, config, task.input_shape)
  return TrainingMemory(
    num_weights,
    of_example,
    config.batch_size // num_replicas,
    config.accumulate_steps,
    num_averages=int(config.average_weights != "none"),
    num_slots=num_slots(config),
    is_flat=is_elementwise(config.optimizer),
  )


def _of_text(
  task: StreamTask, genotype: RecurrentGenotype | LstmGenotype, configs: Configs, num_replicas: int
) -> TrainingMemory:
  """Returns the memory of a language model, in a step with the longest segment that there can be."""
  config: Any = configs.training_config
  network_config: Any = configs.network_config
  described = genotype_describer(network_config, task.input_shape, task.num_outputs)(genotype)
  cell_bytes = _HALF if config.mixed_precision != "none" else _SINGLE
  of_token = kept_bytes(genotype, network_config, task.num_outputs, cell_bytes=cell_bytes)
  return TrainingMemory(
    described.parameters,
    of_token * (config.segment_length + config.max_extra_length),
    config.batch_size // num_replicas,
    config.accumulate_steps,
    num_averages=1,
    example="stream",
    num_slots=num_slots(config),
    is_flat=False,
    keeps_best=True,
  )


def out_of_memory(
  task: Task, genotype: Genotype, configs: Configs, *, num_replicas: int, available: int | None = None
) -> str:
  """Returns a message for a user whose training ran out of memory.

  Args:
    task: the task.
    genotype: genotype of the network.
    configs: how the network is built and trained.
    num_replicas: number of devices that share the batch.
    available: available memory, in bytes; None for what the device has provided so far, or what this machine has.
  """
  batch_size = configs.training_config.batch_size
  memory = training_memory(task, genotype, configs, num_replicas=num_replicas)
  if memory is None:
    return f"out of memory with batch_size={batch_size}; use a smaller batch_size or more accumulate_steps"
  there = _available() if available is None else available
  fitting = memory.largest_part(there)
  text = (
    f"out of memory with batch_size={batch_size} and accumulate_steps={memory.accumulate_steps}:"
    f" {memory.of_weights} need an estimated {memory.weight_bytes / 1e6:,.0f} MB and each {memory.example}"
    f" {memory.bytes_per_example / 1e6:,.1f} MB, and {there / 1e6:,.0f} MB are available"
  )
  if not fitting:
    return f"{text}: not even one {memory.example} fits; use a smaller network"
  if fitting >= memory.examples_at_once:
    return f"{text}: that should fit, so memory is used by others or fragmented; a smaller batch_size may help"
  steps = next(
    n for n in range(1, memory.batch_size + 1) if memory.batch_size % n == 0 and memory.batch_size // n <= fitting
  )
  return f"{text}; use accumulate_steps={steps} for the same update, or batch_size={fitting * num_replicas}"


def _available() -> int:
  """Returns how many bytes a device has given at most, or those of this machine if there is no GPU."""
  gpus = tf.config.list_logical_devices("GPU")
  return int(tf.config.experimental.get_memory_info("GPU:0")["peak"]) if gpus else total_memory()
