"""Measures the throughput of the input pipeline and of training steps on this machine: `nao-train --benchmark_input`."""

import dataclasses
import os
from typing import TYPE_CHECKING, Any

from absl import flags

from nao_tf.spaces.genotypes import Genotype
from nao_tf.tasks.base import BatchTask, Configs, Task
from nao_tf.tools import experiment
from nao_tf.tools.flag_types import define_number

if TYPE_CHECKING:
  from nao_tf.benchmarks.input_speed import Speed

DEFAULT_SECONDS = 10.0
_UNITS = {"images": "images", "text": "tokens"}


def define_flags(flag_values: flags.FlagValues) -> None:
  """Defines the flags of a benchmark of the input."""
  help_ = (
    "measure the throughput of the input pipeline and of the training step, in images or tokens per second, and stop"
  )
  flags.DEFINE_boolean("benchmark_input", False, help_, flag_values=flag_values)
  help_ = "with --benchmark_input: time to measure each of the two, in seconds"
  define_number("benchmark_seconds", DEFAULT_SECONDS, help_, 0.1, 3600.0, flag_values=flag_values)


def run(flag_values: flags.FlagValues, genotype: Genotype, configs: Configs) -> int:
  """Prints how fast the input and the steps of a training are; returns the exit code. Nothing is written.

  Args:
    flag_values: flag values of the training.
    genotype: genotype of the network.
    configs: how the network is built and trained.

  Raises:
    ValueError: if the network cannot be trained so, or an image cannot be decoded.
    OSError: if the data cannot be read.
  """
  distribution = experiment.prepare_process(flag_values)
  task = experiment.task_of(flag_values)
  unit, seconds = _UNITS.get(task.kind, "examples"), flag_values.benchmark_seconds
  print(f"machine: {os.cpu_count()} CPUs, initial load {_load()}", flush=True)
  with task.data_errors():
    if isinstance(task, BatchTask):
      print(_line("input only", _input(task, configs, flag_values.seed, seconds), unit), flush=True)
    else:
      print("input only: no pipeline to measure; the text is in memory and each step reads a segment of it")
    print(_line("training step only", _step(task, genotype, configs, distribution, flag_values.seed, seconds), unit))
  return 0


def _input(task: BatchTask, configs: Configs, seed: int, seconds: float) -> "Speed":
  from nao_tf.benchmarks.input_speed import pipeline_speed

  training_config: Any = configs.training_config
  return pipeline_speed(task, task.complete_training_config(training_config), seed=seed, seconds=seconds)


def _step(task: Task, genotype: Genotype, configs: Configs, distribution: Any, seed: int, seconds: float) -> "Speed":
  from nao_tf.benchmarks.input_speed import ENDLESS, step_speed
  from nao_tf.tasks.trainers import make_trainer

  training_config: Any = dataclasses.replace(configs.training_config, epochs=ENDLESS)
  trainer = make_trainer(task, genotype, configs.network_config, training_config, distribution=distribution, seed=seed)
  examples = training_config.batch_size * getattr(training_config, "segment_length", 1)
  return step_speed(trainer, examples=examples, seconds=seconds)


def _line(what: str, speed: "Speed", unit: str) -> str:
  return (
    f"{what}: {speed.per_second:,.0f} {unit} per second, {speed.processor_microseconds:,.1f} microseconds of CPU time"
    f" each ({speed.examples:,} in {speed.seconds:.1f} s)"
  )


def _load() -> str:
  """Returns the mean number of processes that ran in the last minute, if the system says so."""
  return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
