import pytest

from nao_tf.spaces.layer_graphs import CONCAT, INPUT, OUTPUT, Edge, GraphBuilder, Layer, LayerGraph
from tests.support.layer_graphs import chain

LAYERS = (Layer(INPUT), Layer("conv3x3", 16, 3), Layer(OUTPUT))


def test_the_order_in_which_edges_are_given_does_not_matter():
  edges = (Edge(0, 1), Edge(1, 2), Edge(0, 2, CONCAT))
  assert LayerGraph(LAYERS, edges) == LayerGraph(LAYERS, edges[::-1])


def test_a_layer_knows_what_it_reads_and_what_reads_it():
  graph = LayerGraph(LAYERS, (Edge(1, 2), Edge(0, 1), Edge(0, 2), Edge(0, 2)))
  assert graph.sources() == [[], [0], [0, 0, 1]] and graph.readers() == [[1, 2, 2], [2], []]


def test_a_graph_is_built_layer_by_layer():
  builder = GraphBuilder()
  first = builder.add(Layer(INPUT))
  second = builder.add(Layer("conv3x3", 16, 3), [first])
  builder.add(Layer(OUTPUT), [second])
  assert builder.finish() == chain(LAYERS[1])


@pytest.mark.parametrize(
  "layers, edges, message",
  [
    ((), (), "at least one layer"),
    ((Layer("conv3x3", 0),), (), r"units of layer 0 \(conv3x3\)"),
    ((Layer("conv3x3", 1, -1),), (), r"incoming of layer 0 \(conv3x3\)"),
    (LAYERS, (Edge(1, 3),), "head"),
    (LAYERS, (Edge(1, 1),), "tail"),
    (LAYERS, (Edge(2, 1),), "tail"),
    (LAYERS, (Edge(0, 1, "multiply"),), "add, concat"),
  ],
)
def test_what_is_no_graph_of_layers_is_refused(layers, edges, message):
  with pytest.raises(ValueError, match=message):
    LayerGraph(layers, edges)
