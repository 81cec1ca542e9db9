"""What an exporter is."""

from typing import Protocol

from tensorflow import keras

from nao_tf.spaces.genotypes import Genotype
from nao_tf.training.base import Metrics


class Exporter(Protocol):
  """Writes the trained networks of one task as SavedModels, and evaluates those SavedModels."""

  def export(self, network: keras.Model, directory: str, *, genotype: Genotype) -> None:
    """Writes a network; see `nao_tf.serving.export_network`."""

  def evaluate(self, directory: str, split: str) -> Metrics:
    """Returns the metrics of an exported network; see `nao_tf.serving.evaluate_exported`."""
