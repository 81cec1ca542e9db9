import numpy as np
import pytest

from nao_tf.spaces import make_space
from nao_tf.spaces.autokeras import LAYERS_PER_STAGE, AutokerasSpace
from nao_tf.spaces.bounded import BoundedSpace
from nao_tf.spaces.layered_genotypes import Convolution, LayeredGenotype, Skip

SPACE = AutokerasSpace()
ONE = Convolution(3, 1)


def test_a_search_begins_with_three_convolutions():
  assert SPACE.decode(SPACE.initial) == LayeredGenotype(((ONE,), (ONE,), (ONE,)))
  assert make_space("nasnet5").initial is None


def test_encode_and_decode_are_inverse():
  rng = np.random.default_rng(0)
  for _ in range(100):
    architecture = SPACE.sample(rng)
    assert SPACE.encode(SPACE.decode(architecture)) == SPACE.canonical(architecture)


def test_the_morphisms_of_the_first_network():
  children = [SPACE.decode(child) for child in SPACE.morphisms(SPACE.initial)]
  assert len(children) == len(set(children)) == 19
  depths = [len(child.widths) for child in children]
  assert (depths.count(4), depths.count(3)) == (14, 5)  # 13 convolutions and a dense layer; 3 widths and 2 skips.
  assert {child.skips for child in children} == {(), (Skip(0, 2, "add"),), (Skip(0, 2, "concat"),)}


def test_the_largest_network_has_no_morphisms_but_skips():
  full = LayeredGenotype(3 * (LAYERS_PER_STAGE * (Convolution(5, 8),),), (8, 8))
  children = [SPACE.decode(child) for child in SPACE.morphisms(SPACE.encode(full))]
  assert children and all(len(child.skips) == 1 and child.widths == full.widths for child in children)


@pytest.mark.parametrize(
  "genotype",
  [
    LayeredGenotype(((ONE,), (ONE,))),
    LayeredGenotype((5 * (ONE,), (ONE,), (ONE,))),
    LayeredGenotype(((Convolution(7, 1),), (ONE,), (ONE,))),
    LayeredGenotype(((Convolution(3, 3),), (ONE,), (ONE,))),
    LayeredGenotype(((ONE,), (ONE,), (ONE,)), (1, 1, 1)),
    LayeredGenotype((4 * (ONE,), 4 * (ONE,), (ONE,)), (), (Skip(0, 7, "add"),)),
  ],
)
def test_what_is_beyond_the_bounds_is_refused(genotype):
  with pytest.raises(ValueError, match="autokeras: the network is not within the bounds"):
    SPACE.encode(genotype)


def test_a_bounded_space_has_the_morphisms_that_fit():
  bounded = BoundedSpace(SPACE, lambda architecture: not SPACE.decode(architecture).skips)
  assert bounded.initial == SPACE.initial
  assert len(list(bounded.morphisms(SPACE.initial))) == 17


def test_graphs_have_layers_pools_and_skips():
  genotype = LayeredGenotype(((ONE,), (Convolution(1, 2),), (ONE,)), (4,), (Skip(0, 2, "concat"),))
  graph = SPACE.graph(SPACE.encode(genotype))
  labels = ["input", "conv3x3", "max2x2", "conv1x1", "max2x2", "conv3x3", "dense", "output"]
  assert [layer.label for layer in graph.layers] == labels
  assert [layer.units for layer in graph.layers] == [1, 1, 1, 2, 2, 1, 4, 1]
  assert [edge for edge in graph.edges if edge.kind == "concat"] == [(1, 5, "concat")]
