"""What the spaces of cells say about their networks."""

from nao_tf.spaces import make_space
from nao_tf.spaces.genotype_graphs import graph_of_cells, graph_of_recurrent_cell
from nao_tf.spaces.genotypes import Branch, Cell, CellGenotype, Node, RecurrentGenotype, RecurrentNode
from nao_tf.spaces.layer_graphs import CONCAT, INPUT, OUTPUT, Edge


def labels(graph):
  return [layer.label for layer in graph.layers]


def test_what_reads_a_node_of_a_cell_reads_its_branches():
  nodes = Node(Branch("sep3x3", 0), Branch("identity", 1)), Node(Branch("max3x3", 2), Branch("zero", 0))
  graph = graph_of_cells(CellGenotype(Cell(nodes), Cell(nodes[:1], outputs=(2, 0))))
  normal = [INPUT, INPUT, "sep3x3", "identity", "max3x3", OUTPUT]
  assert labels(graph) == [*normal, *normal[:4], OUTPUT]
  assert graph.edges[:5] == (Edge(0, 2), Edge(1, 3), Edge(2, 4), Edge(3, 4), Edge(4, 5, CONCAT))
  assert [edge[:2] for edge in graph.edges[5:]] == [(6, 8), (6, 10), (7, 9), (8, 10), (9, 10)]
  assert [layer.part for layer in graph.layers] == 6 * ["normal"] + 5 * ["reduction"]


def test_a_recurrent_cell_is_the_mean_of_its_searched_nodes():
  graph = graph_of_recurrent_cell(RecurrentGenotype((RecurrentNode(0, "relu"), RecurrentNode(1, "identity"))))
  assert labels(graph) == [INPUT, INPUT, "tanh", "relu", "identity", OUTPUT]
  assert [edge[:2] for edge in graph.edges] == [(0, 2), (1, 2), (2, 3), (3, 4), (3, 5), (4, 5)]


def test_a_cell_of_nasbench101_has_a_layer_for_each_vertex_that_is_not_pruned():
  space = make_space("nasbench101")
  decided = {0: 1, 2: 1, 3: 1, 4: 2, 20: 1, 22: 1}  # 0 -> 1, 0 -> 2, 1 -> 2 (a pool), 0 -> 6, 2 -> 6.
  graph = space.graph(tuple(decided.get(position, 0) for position in range(26)))
  assert labels(graph) == [INPUT, "conv3x3-bn-relu", "maxpool3x3", OUTPUT]
  assert graph.edges == (Edge(0, 1), Edge(0, 2), Edge(0, 3, CONCAT), Edge(1, 2), Edge(2, 3, CONCAT))


def test_cells_of_nasbench201_have_equal_graphs_if_they_compute_the_same_function():
  space = make_space("nasbench201")
  cells = list(space.enumerate())[::7]
  keys = {space.graph(cell): space.function_key(cell) for cell in cells}
  assert len(keys) == len({space.function_key(cell) for cell in cells}) > 500
  assert all(keys[space.graph(cell)] == space.function_key(cell) for cell in cells[::50])


def test_what_is_added_twice_in_nasbench201_is_two_layers():
  space = make_space("nasbench201")
  graph = space.graph(
    space.parse("|nor_conv_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|skip_connect~0|nor_conv_3x3~1|avg_pool_3x3~2|")
  )
  assert sorted(labels(graph)) == sorted(
    [INPUT, "nor_conv_3x3", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3", OUTPUT]
  )
  assert Edge(0, len(graph.layers) - 1) in graph.edges
