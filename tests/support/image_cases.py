"""Tiny image networks and their training, for several tests."""

import pathlib

import tensorflow as tf

from nao_tf.networks.image_network import ImageNetworkConfig
from nao_tf.spaces.genotypes import Branch, Cell, CellGenotype, Node
from nao_tf.tasks import make_task, trainers
from nao_tf.training.config import TrainingConfig

_CELL = Cell((Node(Branch("sep3x3", 1), Branch("identity", 0)),))
GENOTYPE = CellGenotype(_CELL, _CELL)
GENOTYPE_FILE = str(pathlib.Path(__file__).parent.parent / "data" / "tiny_cells.json")
"""The same cells, for flags."""
NETWORK = ImageNetworkConfig(num_cells=1, filters=4, auxiliary=False, drop_path_keep=1.0, dropout_keep=1.0)
TRAINING = TrainingConfig(epochs=2, batch_size=64, learning_rate=0.05)


def make_trainer(training_config=TRAINING, network_config=NETWORK, *, task=None, distribution=None, seed=3):
  """Returns a fresh trainer of the tiny network on digits."""
  return trainers.make_trainer(
    task or make_task("digits"),
    GENOTYPE,
    network_config,
    training_config,
    distribution=distribution or tf.distribute.get_strategy(),
    seed=seed,
  )


def without_seconds(history):
  """Returns the history of a training without what differs from run to run."""
  return [{name: value for name, value in metrics.items() if name != "seconds"} for metrics in history]
