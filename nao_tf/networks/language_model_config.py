"""The configuration of language models. Imports no TensorFlow."""

import dataclasses
from typing import Any

from nao_tf import fields

INITIAL_RANGE = 0.04


@dataclasses.dataclass(frozen=True)
class LanguageModelConfig:
  """What a language model is apart from its cell and its vocabulary. The defaults are the paper's on Penn Treebank.

  Attributes:
    units: size of the embeddings, of the cell's state and of its output.
    embedding_dropout: rate at which words are dropped, each everywhere in a segment.
    input_dropout: rate at which units of the embedded inputs are dropped.
    cell_input_dropout: rate at which they are dropped again, on their way into the cell.
    state_dropout: rate at which units of all states that nodes read are dropped; an LSTM has no such dropout.
    output_dropout: rate at which units of the outputs are dropped.
    initial_range: initial weights are distributed uniformly between plus and minus this.
  """

  units: int = 850
  embedding_dropout: float = 0.0
  input_dropout: float = 0.2
  cell_input_dropout: float = 0.75
  state_dropout: float = 0.25
  output_dropout: float = 0.75
  initial_range: float = INITIAL_RANGE

  def __post_init__(self) -> None:
    fields.check_config(self)
    if self.units < 1:
      raise ValueError(f"LanguageModelConfig: units must be at least 1, got {self.units}")
    for field in dataclasses.fields(self):
      if field.name.endswith("dropout") and not 0.0 <= getattr(self, field.name) < 1.0:
        raise ValueError(f"LanguageModelConfig: {field.name} must be in [0, 1), got {getattr(self, field.name)}")
    if not self.initial_range > 0:
      raise ValueError(f"LanguageModelConfig: initial_range must be above 0, got {self.initial_range}")

  def without_dropout(self) -> "LanguageModelConfig":
    """Returns the same configuration with all rates 0."""
    rates: dict[str, Any] = {field.name: 0.0 for field in dataclasses.fields(self) if field.name.endswith("dropout")}
    return dataclasses.replace(self, **rates)
