"""What an exporter is."""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from tensorflow import keras

from nao_tf.spaces.genotypes import Genotype
from nao_tf.tasks.base import Task
from nao_tf.training.base import Metrics


class Exporter(Protocol):
  """Writes the trained networks of one task as SavedModels, and evaluates those SavedModels."""

  def export(self, network: keras.Model, directory: str, *, genotype: Genotype) -> None:
    """Writes a network; see `nao_tf.serving.export_network`."""

  def evaluate(self, directory: str, split: str) -> Metrics:
    """Returns the metrics of an exported network; see `nao_tf.serving.evaluate_exported`."""


@runtime_checkable
class DescribingExporter(Exporter, Protocol):
  """An exporter that needs so little of its task that a run can record it: then it can export without the data."""

  @property
  def task(self) -> Task:
    """The task of the networks; it may have no data."""

  @property
  def description(self) -> dict[str, Any]:
    """What an export needs to know of the task, as JSON values."""

  def check(self) -> None:
    """Raises `nao_tf.serving.saved_models.ExportError` if networks of the task cannot be exported."""

  @classmethod
  def of_description(cls, name: str, description: Mapping[str, Any]) -> "DescribingExporter":
    """Returns the exporter of a task with a name and a description, but no data.

    Raises:
      ValueError: if it is not such a description.
    """
