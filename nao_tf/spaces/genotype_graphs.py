"""Genotypes as graphs of layers."""

from nao_tf.spaces.genotypes import NUM_CELL_INPUTS, Cell, CellGenotype, RecurrentGenotype
from nao_tf.spaces.layer_graphs import ADD, CONCAT, INPUT, OUTPUT, GraphBuilder, Layer, LayerGraph
from nao_tf.spaces.layered_genotypes import LayeredGenotype
from nao_tf.spaces.motif_genotypes import Motif, MotifGenotype
from nao_tf.spaces.operation_names import ABSENT

_FIRST_ACTIVATION = "tanh"
_MERGE = "conv1x1"
"""The operation after a concatenation in a motif."""
_STAGE_POOL = "max2x2"


def graph_of_cells(genotype: CellGenotype) -> LayerGraph:
  """Returns a normal and a reduction cell as a graph of two parts, with a layer for each branch.

  Each part has two inputs and an output. What reads a node reads the layers of its branches.
  """
  builder = GraphBuilder()
  _add_cell(genotype.normal, "normal", builder)
  _add_cell(genotype.reduction, "reduction", builder)
  return builder.finish()


def graph_of_cell(cell: Cell) -> LayerGraph:
  """Returns a cell that is used everywhere in a network as a graph; see `graph_of_cells`."""
  builder = GraphBuilder()
  _add_cell(cell, "", builder)
  return builder.finish()


def graph_of_recurrent_cell(genotype: RecurrentGenotype) -> LayerGraph:
  """Returns a recurrent cell as a graph with a layer for each node, the fixed first one included."""
  builder = GraphBuilder()
  inputs = [builder.add(Layer(INPUT)), builder.add(Layer(INPUT))]
  nodes = [builder.add(Layer(_FIRST_ACTIVATION), inputs)]
  for node in genotype.nodes:
    nodes.append(builder.add(Layer(node.activation), [nodes[node.predecessor]]))
  builder.add(Layer(OUTPUT), nodes[1:], ADD)
  return builder.finish()


def graph_of_motifs(genotype: MotifGenotype) -> LayerGraph:
  """Returns a cell as a graph with a layer for each primitive operation, in each place where a motif is."""
  builder = GraphBuilder()
  end = _add_motif(genotype, len(genotype.levels) - 1, genotype.cell, builder.add(Layer(INPUT)), builder)
  builder.add(Layer(OUTPUT), [end])
  return builder.finish()


def _add_motif(genotype: MotifGenotype, number: int, motif: Motif, read: int, builder: GraphBuilder) -> int:
  """Adds a motif of a level that reads a layer; returns the index of the layer that its output is."""
  below = {m.name: m for m in genotype.levels[number - 1]} if number else {}
  states = {0: read}
  for node in motif.live_nodes:
    ends = []
    for edge in motif.into(node):
      source = states[edge.source]
      if number:
        ends.append(_add_motif(genotype, number - 1, below[edge.operation], source, builder))
      else:
        ends.append(builder.add(Layer(edge.operation), [source]))
    states[node] = ends[0] if len(ends) == 1 else builder.add(Layer(_MERGE), ends, CONCAT)
  return states[motif.live_nodes[-1]]


def graph_of_layers(genotype: LayeredGenotype) -> LayerGraph:
  """Returns a plain network as a graph with a layer for each convolution, dense layer and pool between two stages."""
  builder = GraphBuilder()
  last, numbers, sections = builder.add(Layer(INPUT)), list[int](), genotype.sections
  incoming = 1
  for number, width in enumerate(genotype.widths):
    if number and sections[number] != sections[number - 1] and number < len(genotype.convolutions):
      last = builder.add(Layer(_STAGE_POOL, incoming, incoming), [last])
    last = builder.add(Layer(_label(genotype, number), width, incoming), [last])
    skip = genotype.skip_to(number)
    if skip is not None:
      builder.connect(numbers[skip.source], last, skip.kind)
    numbers.append(last)
    incoming = width
  builder.add(Layer(OUTPUT, 1, incoming), [last])
  return builder.finish()


def _label(genotype: LayeredGenotype, number: int) -> str:
  """Returns the label of a layer of a plain network."""
  if number >= len(genotype.convolutions):
    return "dense"
  size = genotype.convolutions[number].kernel_size
  return f"conv{size}x{size}"


def _add_cell(cell: Cell, part: str, builder: GraphBuilder) -> None:
  """Adds a cell to a graph. Absent branches are not layers."""
  states = [[builder.add(Layer(INPUT, part=part))] for _ in range(NUM_CELL_INPUTS)]
  for node in cell.nodes:
    states.append(
      [
        builder.add(Layer(branch.operation, part=part), states[branch.source])
        for branch in node
        if branch.operation not in ABSENT
      ]
    )
  concatenated = [layer for state in cell.concatenated for layer in states[state]]
  builder.add(Layer(OUTPUT, part=part), concatenated, CONCAT)
