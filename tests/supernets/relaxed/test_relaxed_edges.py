import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.networks.image_network import ImageNetworkConfig, image_network
from nao_tf.spaces import make_space
from nao_tf.supernets.relaxed.config import PRESETS
from nao_tf.supernets.relaxed.relaxations import EdgeRelaxation, relaxation_of
from nao_tf.supernets.relaxed.relaxed_edges import RelaxedEdgeNetwork, count_skips, derive_edges
from nao_tf.supernets.relaxed.relaxed_trainer import make_relaxed_trainer
from nao_tf.training.config import TrainingConfig
from tests.support.array_source import array_task

SPACE = make_space("nasbench201")
CONFIG = ImageNetworkConfig(
  num_cells=1, filters=4, convention="nasbench201", auxiliary=False, drop_path_keep=1.0, dropout_keep=1.0
)
CELL = (3, 1, 2, 4, 0, 3)


def copy_weights(relaxed, separate):
  """Gives a separate network the weights of the operations that a one-hot mixture has."""
  for mixed, cell in zip(relaxed.cells, separate.classifier.cells):
    if hasattr(mixed, "edges"):
      for choice, edge, layer in zip(CELL, mixed.edges, cell.body.operations):
        # The relaxed norms have neither scale nor offset; those of a new network are 1 and 0.
        for source, target in zip(edge.operation(choice).trainable_weights, layer.trainable_weights):
          target.assign(source)
    else:
      cell.body.set_weights(mixed.get_weights())
  separate.classifier.stem.set_weights(relaxed.stem.get_weights())
  separate.classifier.head.set_weights(relaxed.head.get_weights())


def test_a_one_hot_mixture_is_the_separate_network():
  relaxed = RelaxedEdgeNetwork(CONFIG, num_classes=3, image_shape=(8, 8, 3), seed=1)
  separate = image_network(SPACE.decode(CELL), CONFIG, num_classes=3, image_shape=(8, 8, 3), seed=2)
  copy_weights(relaxed, separate)
  images = tf.constant(np.random.default_rng(0).normal(size=(4, 8, 8, 3)).astype(np.float32))
  mixture = tf.one_hot([CELL], 5)
  for training in (False, True):
    np.testing.assert_allclose(
      relaxed(images, mixture, training=training), separate(images, training=training), 1e-4, 1e-5
    )


def test_the_likeliest_operation_of_each_edge_is_derived_also_none():
  genotype = derive_edges(np.eye(5)[[CELL]])
  assert genotype == SPACE.decode(CELL) and count_skips(genotype) == 1
  assert EdgeRelaxation().architecture(np.eye(5)[[CELL]]) == CELL


def test_costs_are_those_of_the_operations_in_all_cells():
  relaxed = RelaxedEdgeNetwork(CONFIG, image_shape=(8, 8, 3))
  cells = EdgeRelaxation().cell_costs(relaxed, cost="parameters")
  table = sum(cell.costs for cell in cells)
  separate, empty = (image_network(SPACE.decode(cell), CONFIG, image_shape=(8, 8, 3)) for cell in ((3,) * 6, (0,) * 6))
  count = sum(int(np.prod(w.shape)) for w in separate.trainable_weights) - sum(
    int(np.prod(w.shape)) for w in empty.trainable_weights
  )
  assert len(cells) == 3 and table[:, 3].sum() == pytest.approx(count)
  assert not table[:, [0, 1, 4]].any()


@pytest.mark.parametrize("name", [pytest.param("darts", marks=pytest.mark.slow), "gdas"])
def test_a_search_learns_and_derives_a_cell(name):
  rng = np.random.default_rng(0)
  labels = np.arange(48) % 2
  images = rng.normal(size=(48, 8, 8, 1)) * 20 + 128 + 60 * (labels[:, None, None, None] * 2 - 1)
  trainer = make_relaxed_trainer(
    array_task((images.clip(0, 255).astype(np.uint8), labels), validation_fraction=0.5),
    SPACE,
    CONFIG,
    TrainingConfig(epochs=1, batch_size=8, learning_rate=0.05, nesterov=False, evaluation_batch_size=32),
    dataclasses.replace(PRESETS[name], parameter_learning_rate=0.05, cost_weight=0.01),
    distribution=tf.distribute.get_strategy(),
    seed=3,
  )
  before = trainer.strengths.numpy()
  (metrics,) = trainer.fit()
  assert np.abs(trainer.strengths.numpy() - before).max() > 0.01 and before.shape == (1, 6, 5)
  assert metrics["normal_identities"] == count_skips(SPACE.decode(trainer.architecture()))
  assert len(trainer.shares()) == 6


def test_a_space_without_a_relaxation_is_refused():
  with pytest.raises(ValueError, match="nasnet5: a search by gradients needs cells"):
    relaxation_of(make_space("nasnet5"))
