"""Serving: what leaves the package. A trained network becomes a SavedModel, by the exporter for the class of its task."""

from typing import TYPE_CHECKING

from nao_tf.registries import place_for, resolve_for

if TYPE_CHECKING:
  from tensorflow import keras

  from nao_tf.serving.base import Exporter
  from nao_tf.spaces.genotypes import Genotype
  from nao_tf.tasks.base import Task

EXPORTERS = {
  "nao_tf.tasks.image_classification:ImageClassification": "nao_tf.serving.image_export:ImageExporter",
  "nao_tf.tasks.language_modeling:LanguageModeling": "nao_tf.serving.language_export:LanguageExporter",
}
"""Exporters by the class of the task. A new one is a file here and a row."""

__all__ = ["EXPORTERS", "evaluate_exported", "export_network", "has_exporter", "make_exporter"]


def export_network(network: "keras.Model", directory: str, *, genotype: "Genotype", task: "Task") -> None:
  """Writes a trained network as a SavedModel, loads it again, and compares its answers with those of the network.

  The directory appears at once and complete. An older export in it is replaced.

  Args:
    network: a trained network.
    directory: path of the directory to write.
    genotype: the genotype of the network, which becomes an asset.
    task: what the network was trained on.

  Raises:
    nao_tf.serving.saved_models.ExportError: if the directory holds something else than an export, or the answers differ.
      Nothing is left behind then.
    ValueError: if there is no exporter for the task.
    OSError: if the directory cannot be written.
  """
  make_exporter(task).export(network, directory, genotype=genotype)


def evaluate_exported(directory: str, task: "Task", split: str = "test") -> dict[str, float]:
  """Returns the metrics of an exported network on a split of a task.

  Raises:
    nao_tf.serving.saved_models.ExportError: if there is no exported network, or it is not one for this task.
    ValueError: if there is no exporter for the task, or no such split.
  """
  return make_exporter(task).evaluate(directory, split)


def has_exporter(task: "Task") -> bool:
  """Returns whether networks of a task can be exported."""
  return place_for(task, EXPORTERS) is not None


def make_exporter(task: "Task") -> "Exporter":
  """Returns the exporter of the networks of a task, importing its module only now.

  Raises:
    ValueError: if there is none.
  """
  return resolve_for(task, EXPORTERS, "exporter")(task)
