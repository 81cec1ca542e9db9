"""Measures the throughput of the input pipeline and of the training step, and which of them is the bottleneck.

The pipeline is measured without a network, and the step with the same batch each time. A training is about as fast as
the slower of the two, if both can run in parallel.
"""

import contextlib
import dataclasses
import time
from typing import Any, NamedTuple

import tensorflow as tf

from nao_tf.tasks.base import BatchTask
from nao_tf.training.base import BatchProblem, Trainer
from nao_tf.training.config import TrainingConfig
from nao_tf.training.fixed_parallelism import with_fixed_parallelism

ENDLESS = 100_000
"""Epochs of a training that is only measured."""

_WARM_UP = 5


class Speed(NamedTuple):
  """A measured throughput.

  Attributes:
    examples: number of measured examples: images, or tokens.
    seconds: measured wall time, in seconds.
    processor_seconds: total CPU time in that period, in seconds.
  """

  examples: int
  seconds: float
  processor_seconds: float

  @property
  def per_second(self) -> float:
    """Examples per second."""
    return self.examples / self.seconds

  @property
  def processor_microseconds(self) -> float:
    """CPU time per example, in microseconds, which hardly depends on the load of the machine."""
    return 1e6 * self.processor_seconds / self.examples


def pipeline_speed(task: BatchTask, training_config: TrainingConfig, *, seed: int, seconds: float) -> Speed:
  """Measures the batches of a training, without the training.

  Args:
    task: has the data.
    training_config: how they are prepared.
    seed: random seed of the order and of the augmentation.
    seconds: how long to measure, after the first batches. If an epoch is over sooner, the next ones follow.
  """
  endless = dataclasses.replace(training_config, epochs=ENDLESS)
  meter = _Meter(training_config.batch_size, seconds)
  for _ in with_fixed_parallelism(task.training_batches(endless, seed=seed)):
    if meter.is_done():
      break
  return meter.speed()


def step_speed(trainer: Trainer, *, examples: int, seconds: float) -> Speed:
  """Measures the steps of a training. On batches, one batch is given to it again and again; a text is in memory anyway.

  Args:
    trainer: trainer of a network, which has not begun and has `ENDLESS` epochs. It is of no use afterwards.
    examples: how many examples a step has: images, or tokens.
    seconds: how long to measure, after the first steps.
  """
  batch_trainer: Any = trainer
  if isinstance(batch_trainer.task, BatchTask):
    batch_trainer.task = _SameBatch(batch_trainer.task)
  meter = _Meter(examples, seconds)

  def on_step() -> None:
    if meter.is_done():
      raise _Enough

  with contextlib.suppress(_Enough):
    for _ in batch_trainer.fit(on_step=on_step):
      pass
  return meter.speed()


class _Meter:
  """Counts steps after the first few, and looks at the clocks."""

  def __init__(self, examples: int, seconds: float):
    """Begins.

    Args:
      examples: how many a step has.
      seconds: how long to measure.
    """
    self._examples, self._seconds, self._steps = examples, seconds, 1 - _WARM_UP
    self._start = self._last = (0.0, 0.0)

  def is_done(self) -> bool:
    """Counts a step; returns whether that was long enough."""
    self._last = time.perf_counter(), time.process_time()
    if not self._steps:
      self._start = self._last
    self._steps += 1
    return self._steps > 1 and self._last[0] - self._start[0] >= self._seconds

  def speed(self) -> Speed:
    """Returns how fast the steps were."""
    (start, begun), (end, ended) = self._start, self._last
    return Speed((self._steps - 1) * self._examples, end - start, ended - begun)


class _Enough(Exception):
  """Ends a training that has been measured."""


class _SameBatch:
  """A task whose batches are all the same; everything else is that of the task."""

  def __init__(self, task: BatchProblem):
    self._task = task

  def __getattr__(self, name: str) -> Any:
    return getattr(self._task, name)

  def num_examples(self, split: str) -> int:
    """Returns the number of examples of a split; nothing is evaluated."""
    return self._task.num_examples(split) if split == "train" else 0

  def training_batches(self, training_config: TrainingConfig, *, seed: int, first_epoch: int = 0) -> tf.data.Dataset:
    """Returns the first batch, again and again."""
    batches = self._task.training_batches(training_config, seed=seed, first_epoch=first_epoch)
    return batches.take(1).cache().repeat()
