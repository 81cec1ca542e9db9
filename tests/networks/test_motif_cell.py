import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.networks.conventions import CONVENTIONS
from nao_tf.networks.image_costs import AUXILIARY_HEAD, ImageCosts
from nao_tf.networks.image_network import ImageClassifier, image_network
from nao_tf.networks.image_network_config import ImageNetworkConfig
from nao_tf.networks.motif_cell import MotifCell
from nao_tf.networks.motif_costs import PRIMITIVE_COSTS
from nao_tf.networks.motif_operations import PRIMITIVES
from nao_tf.networks.plain_network import plain_model
from nao_tf.spaces import make_space
from nao_tf.spaces.genotypes import genotype_from_json
from nao_tf.spaces.hierarchical import PRIMITIVES as PRIMITIVES_OF_SPACE
from nao_tf.spaces.motif_genotypes import Motif, MotifEdge, MotifGenotype
from tests.support.built_costs import called, num_parameters
from tests.support.random_weights import randomize

CONFIG = ImageNetworkConfig(num_cells=1, filters=5, convention="hierarchical", auxiliary=False, dropout_keep=1.0)
SHAPE = (11, 9, 2)


def motif(name, num_nodes, *edges):
  return Motif(name, num_nodes, tuple(MotifEdge(*edge) for edge in edges))


# A cell with every primitive, an edge around a motif, and a motif in two places.
SMALL = MotifGenotype(
  (
    (
      motif("a", 3, (1, 0, "conv1x1"), (2, 0, "identity"), (2, 1, "depthwise3x3")),
      motif("b", 4, (1, 0, "sep3x3"), (2, 0, "max3x3"), (3, 1, "avg3x3"), (3, 2, "identity")),
    ),
    (motif("cell", 3, (1, 0, "a"), (2, 0, "b"), (2, 1, "a")),),
  )
)
POOLS = MotifGenotype(
  (
    (motif("pool", 3, (1, 0, "identity"), (2, 1, "max3x3")), motif("same", 2, (1, 0, "identity"))),
    (motif("cell", 4, (1, 0, "pool"), (2, 1, "same"), (3, 2, "pool")),),
  )
)


def random_genotype(space):
  return space.decode(space.sample(np.random.default_rng(1)))


def cell(genotype, convention="hierarchical", **options):
  return MotifCell(genotype, 5, CONVENTIONS[convention], seed=3, **options)


def test_the_primitives_of_the_space_have_layers_and_costs():
  assert set(PRIMITIVES_OF_SPACE) == set(PRIMITIVES) == set(PRIMITIVE_COSTS)


@pytest.mark.parametrize(
  ("name", "convention"),
  [
    ("small", "hierarchical"),
    ("small", "nao"),
    pytest.param("hierarchical", "hierarchical", marks=pytest.mark.slow),
    pytest.param("flat", "hierarchical", marks=pytest.mark.slow),
  ],
)
def test_networks_cost_what_they_have(name, convention):
  genotype = SMALL if name == "small" else random_genotype(make_space(name))
  config = dataclasses.replace(CONFIG, convention=convention, auxiliary=True)
  parts = [part for part in ImageCosts(config, SHAPE, 3).parts(genotype) if part.name != AUXILIARY_HEAD]
  network, multiply_adds = called(lambda: ImageClassifier(genotype, config, 3, SHAPE, 0), SHAPE)
  assert sum(part.multiply_adds for part in parts) == multiply_adds
  layers = [network.stem, *network.cells, network.head]
  assert [part.parameters for part in parts] == [num_parameters(layer) for layer in layers]
  assert [part.shape for part in parts if part.name.startswith("cell")] == [s[1:] for s in network.cell_shapes]


def test_a_stage_is_one_cell_in_the_search_of_the_paper():
  shapes = ImageClassifier(SMALL, CONFIG, 3, SHAPE, 0).cell_shapes
  assert shapes == [(None, 11, 9, 5), (None, 6, 5, 10), (None, 3, 3, 20)]


def test_motifs_are_applied_along_their_edges():
  layer, images = cell(POOLS, first=True), tf.constant(np.random.default_rng(0).normal(size=(2, 6, 7, 5)), tf.float32)
  expected = tf.nn.max_pool2d(tf.nn.max_pool2d(tf.nn.relu(images), 3, 1, "SAME"), 3, 1, "SAME")
  layer.build([images.shape, images.shape])
  np.testing.assert_array_equal(layer([images, images]), expected)
  assert not layer.weights


def test_what_several_edges_give_is_concatenated_and_projected():
  single = MotifGenotype(((motif("cell", 2, (1, 0, "identity")),),))
  wider = MotifGenotype(((motif("cell", 3, (1, 0, "avg3x3"), (2, 0, "identity"), (2, 1, "max3x3")),),))
  assert not cell(single, first=True).body.merges
  layer, images = cell(wider, first=True), tf.random.stateless_uniform((2, 4, 4, 5), (1, 2))
  layer.build([images.shape, images.shape])
  randomize(layer, 0)
  averages = tf.nn.avg_pool2d(images, 3, 1, "SAME")
  both = tf.concat([images, tf.nn.max_pool2d(averages, 3, 1, "SAME")], -1)
  expected = layer.body.merges[2](both, training=False)
  np.testing.assert_allclose(layer([images, images]), expected, rtol=1e-6)


def test_an_edge_is_dropped_where_others_lead_to_the_same_node():
  layer = cell(SMALL)
  assert [edge for edge in layer.branches if layer.is_dropped(edge)] == [(2, 0, "b"), (2, 1, "a")]
  images = tf.random.stateless_uniform((2, 4, 4, 5), (1, 2))
  layer.build([images.shape, images.shape])
  ones = tf.ones((3, 2, 1, 1, 1))
  np.testing.assert_allclose(layer([images, images], masks=ones), layer([images, images]), rtol=1e-6)
  dropped = layer([images, images], masks=ones * tf.constant([[1.0, 0.0]])[..., None, None, None])
  full = layer([images, images])
  np.testing.assert_allclose(dropped[0], full[0], rtol=1e-6)
  assert not np.allclose(dropped[1], full[1])


def test_identities_of_a_flat_cell_are_dropped_as_the_convention_says():
  genotype = MotifGenotype(((motif("cell", 3, (1, 0, "max3x3"), (2, 0, "identity"), (2, 1, "avg3x3")),),))
  kept = {name: cell(genotype, name).is_dropped(genotype.cell.edges[1]) for name in ("hierarchical", "torch")}
  assert kept == {"hierarchical": False, "torch": True}


def test_an_unknown_operation_is_refused():
  with pytest.raises(ValueError, match="unknown operation 'conv9x9'.*known are conv1x1"):
    cell(MotifGenotype(((motif("cell", 2, (1, 0, "conv9x9")),),)))


def test_weights_are_a_function_of_the_seed():
  shapes, rows = [(None, 4, 4, 5), (None, 4, 4, 5)], []
  for seed in (0, 0, 1):
    layer = MotifCell(SMALL, 5, CONVENTIONS["hierarchical"], seed)
    layer.build(shapes)
    rows.append(np.concatenate([np.ravel(weight) for weight in layer.get_weights()]))
  np.testing.assert_array_equal(rows[0], rows[1])
  assert not np.array_equal(rows[0], rows[2])


@pytest.fixture(scope="module")
def network():
  config = dataclasses.replace(CONFIG, drop_path_keep=0.5, auxiliary=True)
  return randomize(image_network(genotype_from_json(SMALL.to_json()), config, num_classes=3, image_shape=SHAPE), 0)


@pytest.mark.parametrize("training_graph", [False, True])
def test_a_plain_model_computes_the_same(network, training_graph):
  images = np.random.default_rng(0).normal(size=(2, *SHAPE)).astype(np.float32)
  model = plain_model(network, classifier_activation=None, training_graph=training_graph)
  outputs = model(images, training=False)
  np.testing.assert_allclose(outputs[0] if training_graph else outputs, network(images), rtol=1e-4, atol=1e-4)
  assert model.get_layer("cell_2").output.shape == (None, 3, 3, 20)
  drops = [layer for layer in model.layers if layer.name.endswith("drop_path") and layer.name.startswith("cell")]
  assert len(drops) == (6 if training_graph else 0)


def test_gradients_reach_every_weight():
  network = image_network(SMALL, CONFIG, num_classes=3, image_shape=SHAPE)
  with tf.GradientTape() as tape:
    outputs = network(tf.random.stateless_normal((4, *SHAPE), (0, 1)), training=True, step=0)
    loss = tf.reduce_sum(outputs**2)
  assert all(gradient is not None for gradient in tape.gradient(loss, network.trainable_variables))
