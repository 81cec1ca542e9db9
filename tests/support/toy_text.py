"""A small text for tests of language models: sentences of a toy grammar, in files or as a task at once."""

import numpy as np

from nao_tf.networks.language_model import LanguageModelConfig
from nao_tf.spaces.genotypes import RecurrentGenotype, RecurrentNode
from nao_tf.tasks.language_modeling import LanguageModeling
from nao_tf.training.language_config import LanguageTrainingConfig

GENOTYPE = RecurrentGenotype((RecurrentNode(0, "relu"), RecurrentNode(1, "tanh"), RecurrentNode(0, "identity")))
NETWORK = LanguageModelConfig(
  units=8, input_dropout=0.1, cell_input_dropout=0.1, state_dropout=0.1, output_dropout=0.2, initial_range=0.3
)
TRAINING = LanguageTrainingConfig(
  epochs=3, batch_size=4, segment_length=10, segment_deviation=2.0, learning_rate=5.0, averaging_patience=1
)
_SIZES = {"train": 60, "valid": 15, "test": 12}


def sentences(split):
  """Returns lines such as "a c e": letters in ascending order."""
  rng = np.random.default_rng(list(_SIZES).index(split))
  return [" ".join(sorted(rng.choice(list("abcdefgh"), 4))) for _ in range(_SIZES[split])]


class ToyText:
  """What the task reads, without files."""

  def lines(self, split):
    return sentences(split)


def toy_task():
  return LanguageModeling("toy", ToyText())


def write_files(directory, **changed):
  """Writes the three files; `changed` gives other bytes for some of them."""
  for split in _SIZES:
    content = changed.get(split, "\n".join(sentences(split)).encode() + b"\n")
    (directory / f"{split}.txt").write_bytes(content)
  return str(directory)
