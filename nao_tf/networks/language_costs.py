"""Computes the costs of language models, part by part, for one token. Does not import TensorFlow.

The previous output is kept until the cell has read it. All states of a recurrent cell are kept until their mean is
computed.
"""

from nao_tf.networks.image_costs import PartCost
from nao_tf.networks.language_model_config import LanguageModelConfig
from nao_tf.spaces.genotypes import LstmGenotype, RecurrentGenotype

SOFTMAX = "softmax"

_LSTM_GATES = 4
_LSTM_KEPT = _LSTM_GATES + 2
"""Values of a unit that an LSTM keeps for its gradient."""
_NODE_KEPT = 3
"""Values of a unit that a node keeps for its gradient."""
_BYTES = 4
"""Of a value in float32."""


def language_costs(
  genotype: RecurrentGenotype | LstmGenotype, config: LanguageModelConfig, vocabulary_size: int
) -> list[PartCost]:
  """Returns the costs of the embedding, of the cell and of the softmax, whose kernel is the embedding.

  Args:
    genotype: genotype of the cell.
    config: configuration of the model.
    vocabulary_size: V.
  """
  units = config.units
  embedding = PartCost("embedding", (units,), vocabulary_size * units, 0, 2 * units)
  softmax = PartCost(SOFTMAX, (vocabulary_size,), vocabulary_size, vocabulary_size * units, units + vocabulary_size)
  cell = _lstm(units) if isinstance(genotype, LstmGenotype) else _recurrent_cell(len(genotype.nodes) + 1, units)
  return [embedding, cell, softmax]


def kept_bytes(
  genotype: RecurrentGenotype | LstmGenotype,
  config: LanguageModelConfig,
  vocabulary_size: int,
  *,
  cell_bytes: int = _BYTES,
) -> int:
  """Returns how many bytes of a token a training step keeps until the backward pass has read them.

  Of the softmax these are the exponentials of all scores; of a recurrent cell the state, the gate and the value of each
  node; of an LSTM the gates, the memory and its tanh. Embedding, output and dropped output come on top.

  Args:
    genotype: genotype of the cell.
    config: configuration of the model.
    vocabulary_size: V.
    cell_bytes: bytes of a value in the cell, which may compute in half precision.
  """
  values = _LSTM_KEPT if isinstance(genotype, LstmGenotype) else _NODE_KEPT * (len(genotype.nodes) + 1)
  return config.units * (values * cell_bytes + 3 * _BYTES) + vocabulary_size * _BYTES


def _recurrent_cell(num_nodes: int, units: int) -> PartCost:
  """Returns the cost of a cell; see `nao_tf.networks.recurrent_cell.RecurrentCell`.

  Each node has a product of twice as many units. The first node reads the input and the previous output. What is in memory
  is all of these with the state of the first node; or all states and the last product.
  """
  kernels = (1 + num_nodes) * units * 2 * units
  return PartCost("cell", (units,), kernels, kernels, max(2 + 2 + 1, num_nodes + 2) * units)


def _lstm(units: int) -> PartCost:
  """Returns the cost of a Keras LSTM. In memory are its input, both old states, the gates and both new states."""
  kernels = 2 * units * _LSTM_GATES * units
  values = (1 + 2 + _LSTM_GATES + 2) * units
  return PartCost("cell", (units,), kernels + _LSTM_GATES * units, kernels, values)
