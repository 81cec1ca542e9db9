"""Random graphs of layers, for tests that fuzz."""

from hypothesis import strategies as st

from nao_tf.spaces.layer_graphs import ADD, CONCAT, INPUT, OUTPUT, Edge, Layer, LayerGraph

LABELS = ("conv3x3", "conv5x5", "sep3x3", "max3x3", "avg3x3", "dense", "relu", "tanh", "identity")


@st.composite
def layer_graphs(draw, most_layers=5):
  """Draws a graph with an input, an output, and layers of any sizes between."""
  sizes = st.integers(1, 64)
  layer = st.builds(Layer, st.sampled_from(LABELS), sizes, sizes)
  layers = (Layer(INPUT), *draw(st.lists(layer, max_size=most_layers)), Layer(OUTPUT))
  pairs = [(tail, head) for head in range(len(layers)) for tail in range(head)]
  edges = draw(st.lists(st.tuples(st.sampled_from(pairs), st.sampled_from([ADD, CONCAT])), max_size=8))
  return LayerGraph(layers, tuple(Edge(tail, head, kind) for (tail, head), kind in edges))


def chain(*layers, skips=()):
  """Returns a chain of layers between an input and an output, with skip connections (tail, head) or (tail, head, kind)."""
  layers = (Layer(INPUT), *layers, Layer(OUTPUT))
  edges = [Edge(number - 1, number) for number in range(1, len(layers))]
  return LayerGraph(layers, (*edges, *(Edge(*skip) for skip in skips)))
