import pytest

from nao_tf.drawing.graphs import STATE, graphs_of, is_drawable
from nao_tf.spaces import make_space
from nao_tf.spaces.genotypes import Branch, Cell, CellGenotype, LstmGenotype, Node
from nao_tf.spaces.nas_rl import NasRlSpace
from nao_tf.spaces.nasbench101 import GraphGenotype
from nao_tf.spaces.published import CELLS, RECURRENT_CELLS


def read_back(graph):
  """Returns the sums of a cell by the texts of their boxes: what each adds up, as (operation, text of the source)."""
  sources = {head: [edge.tail for edge in graph.edges if edge.head == head] for head in range(len(graph.boxes))}
  operations = {i: box.text for i, box in enumerate(graph.boxes) if box.family != STATE}
  return {
    box.text: sorted((operations[i], graph.boxes[sources[i][0]].text) for i in sources[number])
    for number, box in enumerate(graph.boxes)
    if box.text.endswith(": +")
  }


@pytest.mark.parametrize("name", CELLS)
def test_the_graph_of_a_cell_has_its_operations_between_the_right_states(name):
  genotype = CELLS[name].genotype
  for cell, graph in zip((genotype.normal, genotype.reduction), graphs_of(genotype), strict=True):
    states = ["0: cell k-2", "1: cell k-1", *(f"{number}: +" for number in range(2, 2 + len(cell.nodes)))]
    expected = {
      states[number]: sorted((operation, states[source]) for operation, source in node if operation != "zero")
      for number, node in enumerate(cell.nodes, start=2)
    }
    assert read_back(graph) == expected
    output = len(graph.boxes) - 1 - [box.text for box in graph.boxes[::-1]].index("output: concat")
    assert [graph.boxes[edge.tail].text for edge in graph.edges if edge.head == output] == [
      states[source] for source in cell.concatenated
    ]


@pytest.mark.parametrize("name", RECURRENT_CELLS)
def test_the_graph_of_a_recurrent_cell_has_its_nodes(name):
  genotype = RECURRENT_CELLS[name].genotype
  (graph,) = graphs_of(genotype)
  texts = [box.text for box in graph.boxes]
  nodes = ["0: tanh", *(f"{number}: {node.activation}" for number, node in enumerate(genotype.nodes, start=1))]
  assert texts == ["input", "previous state", *nodes, "output: mean"]
  edges = {(texts[edge.tail], texts[edge.head]) for edge in graph.edges}
  read = {(nodes[node.predecessor], nodes[number]) for number, node in enumerate(genotype.nodes, start=1)}
  inputs = {("input", "0: tanh"), ("previous state", "0: tanh")}
  assert edges == read | inputs | {(node, "output: mean") for node in nodes[1:]}


def test_the_graph_of_connected_convolutions_has_what_each_reads():
  space = NasRlSpace("three", 3, (1, 2, 3))
  (graph,) = graphs_of(space.decode((1, 2, 0, 1, 0, 0, 3, 0, 0, 0, 2, 1, 0, 0, 1, 2, 0, 3)))
  texts = [box.text for box in graph.boxes]
  first, second, third = "0: conv3x5, 24, stride 1x2", "1: conv7x1, 48", "2: conv1x3, 64, stride 3x1"
  assert texts == ["image", first, second, third, "output: concatenation"]
  edges = {(texts[edge.tail], texts[edge.head]) for edge in graph.edges}
  output = "output: concatenation"
  assert edges == {("image", first), ("image", second), (first, third), (second, output), (third, output)}


def test_the_graph_of_a_benchmark_cell_is_its_matrix():
  (graph,) = graphs_of(GraphGenotype(((0, 1, 1), (0, 0, 1), (0, 0, 0)), ("input", "conv1x1-bn-relu", "output")))
  assert [box.text for box in graph.boxes] == ["0: input", "1: conv1x1-bn-relu", "2: output"]
  assert [(edge.tail, edge.head) for edge in graph.edges] == [(0, 1), (0, 2), (1, 2)]
  assert graph.text == "0 = input; 1 = conv1x1-bn-relu(0); 2 = output(0, 1)"


def test_an_operation_that_is_absent_has_no_box():
  space = make_space("nasbench201")
  text = "|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|"
  (graph,) = graphs_of(space.decode(space.parse(text)))
  assert [box.text for box in graph.boxes if box.family != STATE] == ["nor_conv_3x3", "skip_connect"]


def test_a_cell_is_said_in_words():
  cell = Cell((Node(Branch("sep3x3", 0), Branch("identity", 1)),))
  normal, _ = graphs_of(CellGenotype(cell, cell))
  assert normal.text == "2 = sep3x3(0) + identity(1); output = concat(2)"


def test_what_is_no_genotype_cannot_be_drawn():
  assert is_drawable(LstmGenotype()) and not is_drawable({"learning_rate": 0.1})
  with pytest.raises(ValueError, match=r"expected a genotype to draw, one of CellGenotype, .*; got a dict"):
    graphs_of({"learning_rate": 0.1})
