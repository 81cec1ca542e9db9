"""Explains errors that TensorFlow raises during training: out of memory, or a lost process."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from nao_tf.spaces.genotypes import Genotype
from nao_tf.tasks.base import Configs, Task

if TYPE_CHECKING:
  import tensorflow as tf


@contextlib.contextmanager
def explained(
  task: Task, genotype: Genotype, configs: Configs, distribution: "tf.distribute.Strategy"
) -> Iterator[None]:
  """Explains what ends a training.

  Args:
    task: the task.
    genotype: genotype of the network.
    configs: how the network is built and trained.
    distribution: the `tf.distribute.Strategy` of the process.

  Raises:
    ValueError: if there is too little memory; the message says which batch would fit, by estimate. Also if the loss
      became NaN or infinite.
    ConnectionError: if another process of the training was lost.
  """
  import tensorflow as tf

  from nao_tf.searches.memory_advice import out_of_memory
  from nao_tf.training.base import Diverged

  try:
    yield
  except Diverged as error:
    raise ValueError(f"{error}; {_after_diverging(error.rate_factor)}") from error
  except tf.errors.ResourceExhaustedError as error:
    advice = out_of_memory(task, genotype, configs, num_replicas=distribution.num_replicas_in_sync)
    raise ValueError(advice) from error
  except (tf.errors.UnavailableError, tf.errors.AbortedError) as error:
    reason = error.message.split("\n")[0]
    raise ConnectionError(
      f"another process of the training was lost ({reason}); restart all processes with the same command: they"
      " resume from the last checkpoint"
    ) from error


def _after_diverging(rate_factor: float | None) -> str:
  """Returns what to do after the loss was not finite.

  Args:
    rate_factor: see `nao_tf.training.base.Diverged`.
  """
  smaller = "try a smaller --learning_rate in another directory"
  if rate_factor is None:
    return smaller
  return (
    f"run the same command with --nan_rate_factor={rate_factor / 10:g} to return to the last checkpoint and multiply the"
    f" learning rate by that, or {smaller}"
  )
