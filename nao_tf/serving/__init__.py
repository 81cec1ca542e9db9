"""Exports trained networks as SavedModels, with the exporter for the class of their task.

The controller of a NAO search can be exported as well.
"""

import os
from typing import TYPE_CHECKING

from nao_tf.registries import load_place, place_for, resolve_for
from nao_tf.runs.json_files import read_json, write_json
from nao_tf.serving.precisions import FLOAT32

if TYPE_CHECKING:
  from tensorflow import keras

  from nao_tf.serving.base import DescribingExporter, Exporter
  from nao_tf.spaces.genotypes import Genotype
  from nao_tf.tasks.base import Task

EXPORTERS = {
  "nao_tf.tasks.image_classification:ImageClassification": "nao_tf.serving.image_export:ImageExporter",
  "nao_tf.tasks.language_modeling:LanguageModeling": "nao_tf.serving.language_export:LanguageExporter",
}
"""Exporters by the class of the task. A new one is a file here and a row."""

TASK_FILE = "task.json"
"""The file of a training's directory that says what an export needs to know of its task."""

__all__ = [
  "EXPORTERS",
  "TASK_FILE",
  "check_export",
  "check_precision",
  "evaluate_exported",
  "export_controller",
  "export_network",
  "has_exporter",
  "make_exporter",
  "read_exporter",
  "record_task",
]


def check_export(directory: str, task: "Task", precision: str = FLOAT32) -> None:
  """Checks that networks of a task can be exported to a directory, before any long work starts.

  Args:
    directory: path of the directory to export to.
    task: the task of the networks.
    precision: storage type of the weights.

  Raises:
    nao_tf.serving.saved_models.ExportError: if the directory contains anything other than an export, another process is
      exporting there, or names in the task cannot be exported.
    ValueError: if there is no exporter for the task, or it does not support the precision.
    OSError: if the directory cannot be written to.
  """
  from nao_tf.serving.base import DescribingExporter
  from nao_tf.serving.saved_models import check_target

  check_precision(precision, task)
  exporter = make_exporter(task)
  if isinstance(exporter, DescribingExporter):
    exporter.check()
  check_target(directory)


def record_task(directory: str, task: "Task") -> None:
  """Records in the directory of a training what an export needs to know about the task, if its exporter supports that."""
  from nao_tf.serving.base import DescribingExporter

  place = place_for(task, EXPORTERS)
  exporter = None if place is None else make_exporter(task)
  if isinstance(exporter, DescribingExporter):
    write_json(
      os.path.join(directory, TASK_FILE), {"exporter": place, "name": task.name, "description": exporter.description}
    )


def read_exporter(directory: str) -> "DescribingExporter | None":
  """Returns an exporter for the recorded task of a training, without its data; None if no task was recorded.

  Raises:
    ValueError: if the record cannot be read; the message names the file.
  """
  path = os.path.join(directory, TASK_FILE)
  if not os.path.exists(path):
    return None
  record = read_json(path)
  try:
    place, name, description = (record[key] for key in ("exporter", "name", "description"))
    if place not in EXPORTERS.values() or not isinstance(name, str) or not isinstance(description, dict):
      raise ValueError(f"expected an exporter, a name and a description, got {place!r}, {name!r}")
    exporter: DescribingExporter = load_place(place, "exporter").of_description(name, description)
  except (ValueError, KeyError, TypeError) as error:
    raise ValueError(f"{path}: is not the record of a task ({error!r})") from error
  return exporter


def export_network(
  network: "keras.Model", directory: str, *, genotype: "Genotype", task: "Task", precision: str = FLOAT32
) -> None:
  """Exports a trained network as a SavedModel and verifies that the loaded model gives the same outputs.

  An earlier export in the directory is replaced. At any moment either the old or the new one can be loaded; see
  `nao_tf.serving.export_target`.

  Args:
    network: the trained network.
    directory: path of the directory to write.
    genotype: the genotype of the network, which is stored as an asset.
    task: the task that the network was trained on.
    precision: storage type of the weights, one of `nao_tf.serving.precisions.PRECISIONS`. Inputs, computations and
      outputs are float32 in any case; half precision rounds the weights and halves the size.

  Raises:
    nao_tf.serving.saved_models.ExportError: if the directory contains anything other than an export, another process is
      exporting there, or the outputs differ. Nothing is left behind then.
    ValueError: if there is no exporter for the task, or it does not support the precision.
    OSError: if the directory cannot be written to.
  """
  check_precision(precision, task)
  asked = {} if precision == FLOAT32 else {"precision": precision}
  make_exporter(task).export(network, directory, genotype=genotype, **asked)


def check_precision(precision: str, task: "Task") -> None:
  """Checks that the exporter of a task can store weights in a given type.

  Raises:
    ValueError: if it cannot.
  """
  if precision == FLOAT32:
    return
  known = getattr(make_exporter(task), "precisions", (FLOAT32,))
  if precision not in known:
    raise ValueError(f"unknown precision {precision!r}; networks for {task.name} are exported as {', '.join(known)}")


def evaluate_exported(directory: str, task: "Task", split: str = "test") -> dict[str, float]:
  """Evaluates an exported network on a split of a task and returns its metrics.

  A SavedModel is a program: evaluating it executes code chosen by its author, which may read and write files. Only
  evaluate exports that you trust.

  Raises:
    nao_tf.serving.saved_models.ExportError: if there is no exported network, one of its files is damaged, or it was not
      exported for this task.
    ValueError: if there is no exporter for the task, or no such split.
  """
  return make_exporter(task).evaluate(directory, split)


def export_controller(search: str | os.PathLike[str], directory: str) -> None:
  """Exports the controller of a NAO search as a SavedModel; see `nao_tf.serving.controller_export`.

  The model loaded with `tf.saved_model.load` predicts the score of architectures and improves them, without this
  package.

  Args:
    search: directory of the search, which may still be running.
    directory: path of the directory to write. An earlier export there is replaced.

  Raises:
    nao_tf.runs.settings.RunDirectoryError: if it is not the directory of a search with the strategy nao.
    nao_tf.serving.saved_models.ExportError: if the controller has not been trained yet, `directory` contains anything
      other than an export, or another process is exporting there.
    ValueError: if a file of the search cannot be parsed.
    OSError: if a file cannot be read, or the directory cannot be written to.
  """
  from nao_tf.serving.controller_export import export_strategy, read_strategy
  from nao_tf.serving.saved_models import check_target

  check_target(directory)
  export_strategy(read_strategy(os.fspath(search)), directory)


def has_exporter(task: "Task") -> bool:
  """Returns whether there is an exporter for networks of a task."""
  return place_for(task, EXPORTERS) is not None


def make_exporter(task: "Task") -> "Exporter":
  """Returns the exporter for networks of a task. Its module is imported only now.

  Raises:
    ValueError: if there is none.
  """
  return resolve_for(task, EXPORTERS, "exporter")(task)
