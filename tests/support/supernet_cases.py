"""Small supernets, for several tests."""

import numpy as np
import tensorflow as tf
from tensorflow import keras

from nao_tf.networks.image_network import ImageNetworkConfig, image_network
from nao_tf.spaces.genotypes import Branch, Cell, CellGenotype, Node
from nao_tf.supernets.image_supernet import ImageSupernet, batch_statistics

PLAIN = ImageNetworkConfig(num_cells=1, filters=4, auxiliary=False, drop_path_keep=1.0, dropout_keep=1.0)
FULL = ImageNetworkConfig(num_cells=1, filters=4, auxiliary=True, drop_path_keep=0.7, dropout_keep=0.8)
OPERATIONS = ("sep3x3", "max3x3", "identity")
NUM_NODES = 3
IMAGE_SHAPE = (8, 8, 2)
BATCH = 16


def sample(rng, num_operations=len(OPERATIONS), num_nodes=NUM_NODES):
  """Returns a random architecture."""
  sources = [2 + node for _ in range(2) for node in range(num_nodes) for _ in range(2)]
  return tuple(int(n) for count in sources for n in (rng.integers(count), rng.integers(num_operations)))


def chain(operation=0, num_nodes=NUM_NODES):
  """Returns an architecture of one loose end, where each node reads the two states before it."""
  return 2 * tuple(n for node in range(num_nodes) for n in (node, operation, node + 1, operation))


def skipping(num_nodes=NUM_NODES):
  """Returns an architecture whose every node reads input 1 alone, so that input 0 is a loose end."""
  return 2 * (1, 0, 1, 2) * num_nodes


def decode(architecture, operations=OPERATIONS):
  """Returns the genotype of an architecture."""
  branches = [Branch(operations[op], source) for source, op in zip(architecture[::2], architecture[1::2])]
  nodes = [Node(*pair) for pair in zip(branches[::2], branches[1::2])]
  return CellGenotype(Cell(tuple(nodes[: len(nodes) // 2])), Cell(tuple(nodes[len(nodes) // 2 :])))


class Graphs:
  """A supernet with random weights, as two graphs that serve all architectures."""

  def __init__(
    self, config=FULL, operations=OPERATIONS, num_nodes=NUM_NODES, *, num_classes=3, seed=5, space=None, **options
  ):
    self._decode = space.decode if space else lambda architecture: decode(architecture, operations)
    self.config, self.operations, self.num_classes, self.seed = config, operations, num_classes, seed
    self.supernet = ImageSupernet(
      operations, config, num_nodes=num_nodes, num_classes=num_classes, image_shape=IMAGE_SHAPE, seed=seed, **options
    )
    rng = np.random.default_rng(0)
    bank = self.supernet.bank
    floats = keras.backend.floatx()
    self.weights = tf.constant((bank.initial() + 0.05 * rng.normal(size=bank.num_weights)).astype(floats))
    self.images = rng.normal(size=(BATCH, *IMAGE_SHAPE)).astype(floats)
    self.train = tf.function(self._train, autograph=False)
    vector, decisions = tf.TensorSpec([None], floats), tf.TensorSpec([8 * num_nodes], tf.int32)
    self.infer = tf.function(self._infer, input_signature=[decisions, vector], autograph=False)

  def separate(self, architecture, statistics=None):
    """Returns the separate network of an architecture with the weights on its path."""
    genotype = self._decode(architecture)
    options = {"num_classes": self.num_classes, "image_shape": IMAGE_SHAPE, "seed": self.seed}
    network = image_network(genotype, self.config, **options)
    path = self.supernet.path(tf.constant(architecture, tf.int32))
    self.supernet.copy_to(network, architecture, tf.gather(self.weights, path.positions).numpy(), statistics)
    return network

  def loss(self, outputs):
    """Returns some function of what a network gives in training."""
    outputs = tf.nest.flatten(outputs)
    return tf.add_n([tf.reduce_sum(tf.sin(output)) for output in outputs])

  def _train(self, architecture, step):
    path = self.supernet.path(architecture)
    weights = tf.gather(self.weights, path.positions)
    with tf.GradientTape() as tape:
      tape.watch(weights)
      network = self.supernet.network(architecture, path, weights)
      outputs = network(self.images, training=True, step=step)
      loss = self.loss(outputs)
    return outputs, batch_statistics(network.statistics), tape.gradient(loss, weights)

  def _infer(self, architecture, statistics):
    path = self.supernet.path(architecture)
    network = self.supernet.network(architecture, path, tf.gather(self.weights, path.positions), statistics)
    return network(self.images)
