"""The supernet of all language models of a space of recurrent cells."""

import tensorflow as tf

from nao_tf.networks.language_model import LanguageModel, LanguageModelConfig, cell_seed
from nao_tf.supernets.shared_recurrent_cell import AllRecurrentCells, SharedRecurrentCell
from nao_tf.supernets.weight_bank import Path


class RecurrentSupernet:
  """All language models of a space of recurrent cells.

  The weights that all architectures have, such as the embedding table, are variables of `network`. The kernels of the
  searched nodes come as a vector, gathered from wherever the weights of the bank are kept.

  Attributes:
    cell: the cells of all architectures.
    network: the language model with that cell; call it while an architecture is bound to the cell.
    bank: where the kernels of the searched nodes are.
  """

  def __init__(self, cells: AllRecurrentCells, config: LanguageModelConfig, *, vocabulary_size: int, seed: int) -> None:
    """Creates the model and initializes the weights. Call it in the scope of the distribution.

    Args:
      cells: the space.
      config: what all language models have in common.
      vocabulary_size: V.
      seed: random seed of the initial weights and of dropout.

    Raises:
      ValueError: if the vocabulary is empty.
    """
    self.cell = SharedRecurrentCell(
      cells, config.units, initial_range=config.initial_range, seed=cell_seed(seed), name="cell"
    )
    self.network = LanguageModel(self.cell, config, vocabulary_size, seed)
    self.bank = self.cell.make_bank()

  def path(self, architecture: tf.Tensor) -> Path:
    """Returns where the kernels of an architecture, int32 `[decisions]`, are."""
    return self.bank.path(self.cell.selectors(architecture))
