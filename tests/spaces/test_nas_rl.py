"""The space of NAS-RL: its decisions, its genotypes, and their form in JSON."""

import json

import numpy as np
import pytest

from nao_tf.spaces import make_space
from nao_tf.spaces.connected_genotypes import ConnectedConvolution, ConnectedGenotype
from nao_tf.spaces.genotypes import genotype_from_json
from nao_tf.spaces.layer_graphs import CONCAT
from nao_tf.spaces.nas_rl import NasRlSpace

SPACE = make_space("nas_rl")
THREE = ConnectedGenotype(
  (
    ConnectedConvolution(3, 5, 24, (1, 2), ()),
    ConnectedConvolution(7, 1, 48, (1, 1), ()),
    ConnectedConvolution(1, 3, 64, (3, 1), (0, 1)),
  )
)


def test_every_layer_has_an_anchor_for_each_earlier_one():
  kinds = [decision.kind for decision in SPACE.decisions]
  assert kinds.count("anchor") == 6 * 5 // 2 and len(kinds) == 15 + 6 * 5
  deep = make_space("nas_rl15")
  assert [d.kind for d in deep.decisions].count("anchor") == 15 * 14 // 2
  assert len(deep.decisions) == 105 + 15 * 3 and deep.num_layers == 15


def test_choices_mean_what_the_paper_says():
  space = NasRlSpace("three", 3, (1, 2, 3))
  assert space.decode((1, 2, 0, 1, 0, 0, 3, 0, 0, 0, 2, 1, 1, 0, 1, 2, 0, 3)) == THREE
  assert space.encode(THREE) == (1, 2, 0, 1, 0, 0, 3, 0, 0, 0, 2, 1, 1, 0, 1, 2, 0, 3)
  assert THREE.outputs == (2,)


def test_outputs_that_no_layer_reads_are_the_outputs_of_the_network():
  assert SPACE.decode((0,) * len(SPACE.decisions)).outputs == (0, 1, 2, 3, 4, 5)


@pytest.mark.parametrize("name", ["nas_rl", "nas_rl15"])
def test_encode_and_json_are_inverse(name):
  space, rng = make_space(name), np.random.default_rng(0)
  for _ in range(20):
    architecture = space.sample(rng)
    genotype = space.decode(architecture)
    assert space.encode(genotype) == architecture
    assert genotype_from_json(json.loads(json.dumps(genotype.to_json()))) == genotype


@pytest.mark.parametrize(
  ("layer", "message"),
  [
    (ConnectedConvolution(2, 3, 24, (1, 1), ()), "nas_rl: has no kernel size 2; has 1, 3, 5, 7"),
    (ConnectedConvolution(3, 3, 32, (1, 1), ()), "has no number of filters 32; has 24, 36, 48, 64"),
    (ConnectedConvolution(3, 3, 24, (1, 4), ()), "has no stride 4; has 1, 2, 3"),
  ],
)
def test_a_convolution_of_another_space_is_refused(layer, message):
  with pytest.raises(ValueError, match=message):
    SPACE.encode(ConnectedGenotype((layer,) * 6))


def test_another_number_of_convolutions_is_refused():
  with pytest.raises(ValueError, match="nas_rl: has 6 convolutions, got 3"):
    SPACE.encode(THREE)


@pytest.mark.parametrize(
  ("data", "message"),
  [
    ([], "expected"),
    ({"convolutions": []}, "at least one convolution"),
    ({"convolutions": [[3, 3, 24, [1, 1]]]}, "convolution 0"),
    ({"convolutions": [[3, 3, 0, [1, 1], []]]}, "filters of convolution 0"),
    ({"convolutions": [[3, 3, 24, [1, 0], []]]}, "a stride of convolution 0"),
    ({"convolutions": [[3, 3, 24, [1], []]]}, "strides of convolution 0"),
    ({"convolutions": [[3, 3, 24, [1, 1], [0]]]}, "sources of convolution 0 must be earlier ones"),
    ({"convolutions": [[3, 3, 24, [1, 1], []], [3, 3, 24, [1, 1], [1]]]}, "sources of convolution 1"),
    (
      {"convolutions": [[3, 3, 24, [1, 1], []], [3, 3, 24, [1, 1], [0, 0]]]},
      "sources of convolution 1 must be earlier",
    ),
  ],
)
def test_what_is_no_genotype_is_refused(data, message):
  with pytest.raises(ValueError, match=f"not a genotype of connected convolutions: .*{message}"):
    ConnectedGenotype.from_json(data)


def test_the_graph_has_a_layer_for_each_convolution():
  graph = NasRlSpace("three", 3, (1, 2, 3)).graph((1, 2, 0, 1, 0, 0, 3, 0, 0, 0, 2, 1, 1, 0, 1, 2, 0, 3))
  assert [layer.label for layer in graph.layers] == ["input", "conv3x5", "conv7x1", "conv1x3", "output"]
  assert [(layer.units, layer.incoming) for layer in graph.layers[1:4]] == [(24, 3), (48, 3), (64, 72)]
  assert {edge.kind for edge in graph.edges} == {CONCAT}
  assert {(edge.tail, edge.head) for edge in graph.edges} == {(0, 1), (0, 2), (1, 3), (2, 3), (3, 4)}
