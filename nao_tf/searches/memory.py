"""Refuses networks that are too large for the memory of this machine, before any is built."""

import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from nao_tf.networks.cost_bounds import genotype_describer, has_known_costs
from nao_tf.networks.descriptions import Description
from nao_tf.spaces.base import SearchSpace
from nao_tf.spaces.genotypes import Genotype
from nao_tf.tasks.base import Configs, Task

_DRAWS = 10
_BYTES = 4
_COPIES = 3
"""Of each weight: itself, its gradient and its momentum."""
_CGROUP_LIMIT = "/sys/fs/cgroup/memory.max"


def check_memory(space: SearchSpace, task: Task, configs: Configs, *, available: int | None = None) -> None:
  """Checks that some networks of a search can be trained on this machine.

  Only what is certainly needed counts: weights, gradients, momentum, and the outputs of the cells for one batch. A
  network that passes may still run out of memory; its trial then fails.

  Args:
    space: the search space.
    task: the task.
    configs: how the networks are built and trained.
    available: available memory, in bytes; None for that of this machine.

  Raises:
    ValueError: if even the smallest of a few random networks needs more.
  """
  rng = np.random.default_rng(0)
  genotypes = [space.decode(space.sample(rng)) for _ in range(_DRAWS)]
  if not has_known_costs(genotypes[0], configs.network_config):
    return
  _check(genotypes, f"even the smallest of {_DRAWS} random networks", task, configs, available)


def check_network_memory(genotype: Genotype, task: Task, configs: Configs, *, available: int | None = None) -> None:
  """Checks that a network can be trained on this machine; see `check_memory`.

  Args:
    genotype: genotype of the network.
    task: the task.
    configs: how the network is built and trained.
    available: available memory, in bytes; None for that of this machine.

  Raises:
    ValueError: if it certainly needs more.
  """
  if has_known_costs(genotype, configs.network_config):
    _check([genotype], "the network", task, configs, available)


def _check(genotypes: Sequence[Any], which: str, task: Task, configs: Configs, available: int | None) -> None:
  """Raises a ValueError if the smallest of some networks needs more memory than there is."""
  described = genotype_describer(configs.network_config, task.input_shape, task.num_outputs)
  positions = _positions(configs.training_config)
  needed = min(_needed(described(genotype), positions) for genotype in genotypes)
  there = total_memory() if available is None else available
  if needed > there:
    raise ValueError(
      f"{task.name}: {which} needs {_gigabytes(needed)} of memory to train, but this machine has {_gigabytes(there)};"
      f" use smaller networks ({_sizes(configs.network_config)}), a smaller batch_size, or smaller images"
    )


def total_memory() -> int:
  """Returns the total memory of this machine or container, in bytes."""
  physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
  try:
    with open(_CGROUP_LIMIT, encoding="ascii") as file:
      return min(physical, int(file.read()))
  except (OSError, ValueError):  # There is no container, or it has no limit.
    return physical


def _needed(network: Description, positions: int) -> int:
  """Returns how many bytes the training of a network certainly needs."""
  outputs = sum(math.prod(part.output_shape) for part in network.parts)
  return _BYTES * (_COPIES * network.parameters_with_auxiliary + positions * outputs)


def _positions(training_config: Any) -> int:
  """Returns for how many examples, or tokens, outputs are kept in a step."""
  length: int = getattr(training_config, "segment_length", 1)
  batch_size: int = training_config.batch_size // getattr(training_config, "accumulate_steps", 1)
  return batch_size * length


def _sizes(network_config: Any) -> str:
  """Returns the names of the fields that make networks smaller, with their values."""
  names = [name for name in ("num_cells", "filters", "units") if hasattr(network_config, name)]
  return ", ".join(f"{name}={getattr(network_config, name)}" for name in names)


def _gigabytes(num_bytes: int) -> str:
  size = num_bytes / 2**30
  return f"{size:,.1f} GiB" if size >= 1 else f"{size:.3g} GiB"
