"""The configuration of language models. Does not import TensorFlow."""

import dataclasses
from typing import Any

from nao_tf import fields

INITIAL_RANGE = 0.04


@dataclasses.dataclass(frozen=True)
class LanguageModelConfig:
  """Size and regularization of a language model, independent of its cell and vocabulary.

  The defaults are those of the paper on Penn Treebank.

  Attributes:
    units: size of the embeddings, the state and the output of the cell.
    embedding_dropout: dropout rate of whole words; a dropped word is dropped everywhere in a segment.
    input_dropout: dropout rate on the embedded inputs.
    cell_input_dropout: additional dropout rate on the inputs where they enter the cell.
    state_dropout: dropout rate on all states that nodes read; not used by an LSTM.
    output_dropout: dropout rate on the outputs.
    initial_range: limit r of the uniform initialization of the weights in [-r, r].
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
    """Returns the same configuration with all dropout rates set to 0."""
    rates: dict[str, Any] = {field.name: 0.0 for field in dataclasses.fields(self) if field.name.endswith("dropout")}
    return dataclasses.replace(self, **rates)
