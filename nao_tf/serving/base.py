"""The interface of exporters."""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from tensorflow import keras

from nao_tf.spaces.genotypes import Genotype
from nao_tf.tasks.base import Task
from nao_tf.training.base import Metrics


class Exporter(Protocol):
  """Exports trained networks of a task as SavedModels, and evaluates those SavedModels."""

  def export(self, network: keras.Model, directory: str, *, genotype: Genotype) -> None:
    """Exports a network; see `nao_tf.serving.export_network`."""

  def evaluate(self, directory: str, split: str) -> Metrics:
    """Returns the metrics of an exported network; see `nao_tf.serving.evaluate_exported`."""


@runtime_checkable
class DescribingExporter(Exporter, Protocol):
  """An exporter that can record everything it needs to know about its task, and then export without the data."""

  @property
  def task(self) -> Task:
    """The task of the networks; it may have no data."""

  @property
  def description(self) -> dict[str, Any]:
    """Everything that an export needs to know about the task, as JSON values."""

  def check(self) -> None:
    """Raises `nao_tf.serving.saved_models.ExportError` if networks of the task cannot be exported."""

  @classmethod
  def of_description(cls, name: str, description: Mapping[str, Any]) -> "DescribingExporter":
    """Constructs an exporter from the name and the description of a task, without data.

    Raises:
      ValueError: if the description is invalid.
    """
