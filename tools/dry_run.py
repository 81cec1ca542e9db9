"""Prints the costs and output files of a training instead of running it: `nao-train --dry_run`."""

import dataclasses
import os
from collections.abc import Sequence

from absl import flags

from nao_tf.networks.cost_bounds import genotype_describer
from nao_tf.networks.descriptions import Description
from nao_tf.networks.training_estimates import PEAK_FLOPS, TrainingEstimate, TrainingMemory, peak_of
from nao_tf.runs.places import checked_directory
from nao_tf.serving import has_exporter
from nao_tf.spaces.genotypes import Genotype
from nao_tf.tasks.base import Configs, Task
from nao_tf.tools import data_checks, experiment, quiet
from nao_tf.tools.flag_types import define_number
from nao_tf.training.history import TEST_FILE

DEFAULT_UTILIZATION = 0.2
_MOST_PARAMETERS = 200_000_000
"""Of a network on images that is built to find out how much memory its activations need."""
_FILES = ("command.json", "config.json", "task.json", "lock.json", "history.jsonl", "checkpoints")


def define_flags(flag_values: flags.FlagValues) -> None:
  """Defines the flags of a dry run."""
  help_ = "print the costs and output files of the training, check that it can start, and stop"
  flags.DEFINE_boolean("dry_run", False, help_, flag_values=flag_values)
  help_ = "with --dry_run: fraction of its peak performance that an accelerator reaches, for the time estimate"
  define_number("utilization", DEFAULT_UTILIZATION, help_, 0.001, 10.0, flag_values=flag_values)


def run(flag_values: flags.FlagValues, genotype: Genotype, configs: Configs) -> int:
  """Prints the plan of a training; returns the exit code.

  The data is read, so that a plan that is printed is one that can begin. If that of a well-known set or text is
  missing, the plan is made with its published size. Of several processes, none waits for the others. Nothing is
  written, except for an image set of unknown size that is missing, with `--download`.

  Args:
    flag_values: flag values of the training.
    genotype: genotype of the network.
    configs: how the network is built and trained.

  Raises:
    RunDirectoryError: if the work directory holds a run with other settings.
    ValueError: if the network cannot be trained so.
    OSError: if the data cannot be read, or the work directory cannot be created.
  """
  from nao_tf.searches.final_training import check_begun

  workdir = checked_directory(flag_values.workdir, "--workdir")
  check_begun(workdir, experiment.training_settings(flag_values, genotype, configs))
  num_replicas = _num_replicas(flag_values)
  task = _task(flag_values)
  estimate = _estimate(task, genotype, configs, num_replicas, flag_values)
  experiment.check_export_precision(task, flag_values.export_precision)
  memory = _memory(task, genotype, configs, num_replicas, estimate)
  files = _files(task, tensorboard=experiment.wants_tensorboard(flag_values))
  print("\n".join(plan(estimate, workdir, flag_values.utilization, files=files, memory=memory)))
  return 0


def plan(
  estimate: TrainingEstimate,
  workdir: str,
  utilization: float,
  *,
  files: Sequence[str],
  memory: TrainingMemory | None = None,
) -> list[str]:
  """Returns the lines that are printed.

  Args:
    estimate: estimate of the training.
    workdir: its directory.
    utilization: fraction of its peak that an accelerator reaches.
    files: what is written there.
    memory: what the training needs; None if that is not known.
  """
  description, example = estimate.description, estimate.description.example
  auxiliary = description.parameters_with_auxiliary - description.parameters
  return [
    f"network: {description.title}",
    f"parameters: {description.parameters:,}{_with_auxiliary(auxiliary)}",
    f"multiply-adds per {example}: {description.multiply_adds:,}{_with_auxiliary(description.auxiliary_multiply_adds)}",
    f"steps: {estimate.steps:,} ({estimate.epochs:,} epochs of {estimate.steps_per_epoch:,};"
    f" {estimate.examples:,} {example}s per epoch)",
    _memory_line(estimate, memory),
    f"estimated hours on {estimate.num_replicas} accelerator{'s' * (estimate.num_replicas > 1)}, at a utilization of"
    f" {utilization:g}:",
    *(_hours_line(estimate, name, utilization) for name in PEAK_FLOPS),
    f"files in {workdir}: {', '.join(files)}",
  ]


def _with_auxiliary(more: int) -> str:
  """Returns what is printed behind a figure that the auxiliary head raises."""
  return f", {more:,} more with the auxiliary head" if more else ""


def _hours_line(estimate: TrainingEstimate, accelerator: str, utilization: float) -> str:
  """Returns what is printed of the hours on an accelerator, with the peak that they assume."""
  peak, logits = peak_of(accelerator, estimate.mixed_precision), peak_of(accelerator)
  aside = f"; logits: {logits.flops / 1e12:g} TFLOPS in {logits.type}" if logits != peak else ""
  hours = f"{estimate.hours(accelerator, utilization):,.1f}"
  return f"  {accelerator}: {hours}, at a peak of {peak.flops / 1e12:g} TFLOPS in {peak.type}{aside}"


def _memory_line(estimate: TrainingEstimate, memory: TrainingMemory | None) -> str:
  """Returns what is printed of memory."""
  if memory is None:
    return (
      f"memory per replica: {estimate.weight_bytes / 1e6:,.0f} MB for weights, gradients and optimizer state, plus"
      " activations, which grow with --batch_size"
    )
  parts = f", {memory.accumulate_steps} times per step" if memory.accumulate_steps > 1 else ""
  return (
    f"estimated memory per replica: {memory.weight_bytes / 1e6:,.0f} MB for {memory.of_weights},"
    f" and {memory.activation_bytes / 1e6:,.0f} MB for the activations of {memory.examples_at_once:,} {memory.example}s at"
    f" once{parts}"
  )


def _memory(
  task: Task, genotype: Genotype, configs: Configs, num_replicas: int, estimate: TrainingEstimate
) -> TrainingMemory | None:
  """Returns the memory of the training; None if it would take too long to find out: a network on images is built for it."""
  from nao_tf.searches.memory_advice import training_memory

  described = estimate.description
  too_large = described.example == "image" and described.parameters_with_auxiliary > _MOST_PARAMETERS
  return None if too_large else training_memory(task, genotype, configs, num_replicas=num_replicas)


def _files(task: Task, *, tensorboard: bool) -> list[str]:
  """Returns the names of what a training writes into its directory."""
  added = (("tensorboard", tensorboard), ("saved_model", has_exporter(task)), (TEST_FILE, task.has_test_data()))
  return [*_FILES, *(name for name, is_written in added if is_written)]


def _num_replicas(flag_values: flags.FlagValues) -> int:
  """Returns how many devices share the training, without waiting for other processes."""
  if flag_values.distribution != "multi_worker":
    return experiment.prepare_process(flag_values).num_replicas_in_sync
  quiet.load_tensorflow()
  from nao_tf.training.distribution import cluster_replicas

  return cluster_replicas(flag_values.num_replicas)


def _task(flag_values: flags.FlagValues) -> Task:
  """Returns the task that the flags name, or one to plan with if it is a well-known set or text that is not here.

  A directory that the flags name must be there, unless the training would make it.
  """
  from nao_tf.tasks.published_sets import PUBLISHED_SETS, PUBLISHED_TOKENS

  if flag_values.task in PUBLISHED_TOKENS and flag_values.text_dir is None:
    return _planned_task(flag_values)
  is_known = flag_values.task in PUBLISHED_SETS
  try:
    task = experiment.task_of(flag_values, **({"download": False} if is_known else {}))
  except FileNotFoundError:
    place = flag_values.data_dir
    if not is_known or not (place is None or os.path.isdir(place) or flag_values.download):
      raise
    return _planned_task(flag_values)
  task.prepare_nothing()
  return task


def _planned_task(flag_values: flags.FlagValues) -> Task:
  """Returns a task to plan with."""
  from nao_tf.tasks.published_sets import make_planned_task

  task = make_planned_task(flag_values.task, **experiment.task_options(flag_values))
  print(f"data: not found; this plan assumes the published size of {task.name}")
  return task


def _estimate(
  task: Task, genotype: Genotype, configs: Configs, num_replicas: int, flag_values: flags.FlagValues
) -> TrainingEstimate:
  """Returns what a training costs, after the checks that a training makes before it begins."""
  from nao_tf.training.optimizers import num_slots

  task.check_genotype(genotype)
  task.check_data()
  data_checks.check_steps(task, configs, num_replicas, flag_values.jit_compile)
  return TrainingEstimate(
    _description(task, genotype, configs, flag_values.architecture),
    examples=task.num_examples("train"),
    epochs=configs.training_config.epochs,
    steps_per_epoch=task.steps_per_epoch(task.complete_training_config(configs.training_config)),
    num_replicas=num_replicas,
    mixed_precision=getattr(configs.training_config, "mixed_precision", "none"),
    num_slots=num_slots(configs.training_config),
  )


def _description(task: Task, genotype: Genotype, configs: Configs, name: str) -> Description:
  """Returns what the network costs on the data of the task, with its name in the title."""
  described = genotype_describer(configs.network_config, task.input_shape, task.num_outputs)(genotype)
  return dataclasses.replace(described, title=described.title.replace(type(genotype).__name__, name, 1))
