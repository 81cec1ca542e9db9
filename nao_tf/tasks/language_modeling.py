"""Language modeling: the next word of a text; judged by perplexity.

Luo et al., NeurIPS 2018, section 4.2. The vocabulary is that of the training part, every line ends in `<eos>`, and every
token of a split counts once.
"""

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow import keras

from nao_tf.networks.language_model import LanguageModel, LanguageModelConfig, language_model, num_parameters
from nao_tf.serving import language_export as export
from nao_tf.spaces.genotypes import LstmGenotype, RecurrentGenotype
from nao_tf.spaces.recurrent import ACTIVATIONS, RecurrentSpace
from nao_tf.supernets.config import SharingConfig
from nao_tf.supernets.recurrent_supernet_trainer import SharedLanguageTrainer
from nao_tf.supernets.shared_recurrent_cell import AllRecurrentCells
from nao_tf.tasks import text
from nao_tf.tasks.base import Setup, Task, check_split
from nao_tf.tasks.text_builder import LocalText
from nao_tf.training.language_config import LanguageTrainingConfig
from nao_tf.training.language_trainer import LanguageModelTrainer

# Tokens of the three parts and words of the benchmark texts, one `<eos>` a line counted.
_PUBLISHED_SIZES = {
  "ptb": ({"train": 929_589, "valid": 73_760, "test": 82_430}, 10_000),
  "wikitext2": ({"train": 2_088_628, "valid": 217_646, "test": 245_569}, 33_278),
}
_OTHER_TEXT = "the task for a text of your own is called text"
_REFERENCE_VOCABULARY = 5_000


class LanguageModeling(Task):
  """A text in three parts.

  Attributes:
    name: for messages and exports.
    reward_metric: of the metrics, the one that the reward is the negative of.
  """

  kind = "text"
  space = "rnn12"
  reward_metric = "loss"
  genotypes = (RecurrentGenotype, LstmGenotype)
  child = Setup(LanguageModelConfig(), LanguageTrainingConfig(epochs=600))
  final = Setup(LanguageModelConfig(), LanguageTrainingConfig(epochs=4000))

  def __init__(
    self, name: str, builder: LocalText, *, max_vocabulary: int | None = None, train_examples: int | None = None
  ):
    """Sets up the task; reads no text yet.

    Args:
      name: for messages and exports; the names of published texts are checked against their sizes.
      builder: of the text.
      max_vocabulary: how many words the vocabulary may have; None for all.
      train_examples: train on so many tokens from the beginning of the training text; None for all. The vocabulary is
        that of the whole.

    Raises:
      ValueError: if `max_vocabulary` has no place for a word beside `<unk>` and `<eos>`, or there are no tokens to train on.
    """
    if max_vocabulary is not None and max_vocabulary < 3:
      raise ValueError(f"max_vocabulary must be at least 3, or None for all words, got {max_vocabulary}")
    if train_examples is not None and train_examples < 1:
      raise ValueError(f"train_examples must be at least 1, or None for all, got {train_examples}")
    self.name = name
    self._builder, self._max_vocabulary, self._train_examples = builder, max_vocabulary, train_examples
    self._tokens: dict[str, np.ndarray] = {}

  @functools.cached_property
  def vocabulary(self) -> text.WordVocabulary:
    """The words of the training part."""
    vocabulary = text.WordVocabulary.of(self._lines("train"), max_size=self._max_vocabulary)
    expected = _PUBLISHED_SIZES.get(self.name, (None, None))[1]
    if expected and self._max_vocabulary is None and len(vocabulary) != expected:
      raise ValueError(f"{self.name}: expected {expected} words, got {len(vocabulary)}; {_OTHER_TEXT}")
    return vocabulary

  def build_network(
    self, genotype: RecurrentGenotype | LstmGenotype, network_config: LanguageModelConfig, *, seed: int
  ) -> LanguageModel:
    """Returns a fresh language model, for the distribution strategy in whose scope it is called."""
    return language_model(genotype, network_config, vocabulary_size=len(self.vocabulary), seed=seed)

  def make_trainer(
    self,
    genotype: RecurrentGenotype | LstmGenotype,
    network_config: LanguageModelConfig,
    config: LanguageTrainingConfig,
    *,
    distribution: tf.distribute.Strategy,
    seed: int,
  ) -> LanguageModelTrainer:
    """Returns what trains a language model on this text; see `Task.make_trainer`."""
    self.check_genotype(genotype)
    return LanguageModelTrainer(self, genotype, network_config, config, distribution=distribution, seed=seed)

  def make_shared_trainer(
    self,
    space: RecurrentSpace,
    network_config: LanguageModelConfig,
    config: LanguageTrainingConfig,
    sharing: SharingConfig,
    *,
    distribution: tf.distribute.Strategy,
    seed: int,
  ) -> SharedLanguageTrainer:
    """Returns what trains language models with shared weights on this text; see `Task.make_shared_trainer`."""
    cells = AllRecurrentCells(len(space.decisions) // 2, ACTIVATIONS)
    make_network = functools.partial(
      language_model, cells, network_config, vocabulary_size=len(self.vocabulary), seed=seed
    )
    return SharedLanguageTrainer(self, make_network, config, sharing, distribution=distribution, seed=seed)

  def num_parameters(self, network: keras.Model) -> int:
    return num_parameters(network)

  def num_examples(self, split: str) -> int:
    """Returns how many tokens a split has, one `<eos>` a line counted."""
    return len(self.tokens(split))

  def export_network(self, network: LanguageModel, directory: str, *, genotype: Any) -> None:
    export.export_network(network, directory, genotype=genotype, vocabulary=self.vocabulary)

  def evaluate_exported(self, directory: str, split: str = "test") -> dict[str, float]:
    """Returns `loss`, `perplexity` and `tokens` of an exported language model; see `Task.evaluate_exported`."""
    streams = self.evaluation_streams(split, export.EVALUATION_STREAMS)
    loss = export.mean_loss(directory, self.vocabulary, *streams)
    return {**self.metrics({"loss": loss}), "tokens": self.num_examples(split)}

  def tokens(self, split: str) -> np.ndarray:
    """Returns the tokens of "train", "valid" or "test", int32 [N]."""
    check_split(split)
    if split not in self._tokens:
      self._tokens[split] = self._encode(split)
    return self._tokens[split]

  def training_streams(self, num_streams: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns inputs and targets of the training text; see `text.training_streams`."""
    return text.training_streams(self.tokens("train"), num_streams, self.vocabulary.end)

  def evaluation_streams(self, split: str, num_streams: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns inputs, targets and weights of a split; see `text.evaluation_streams`."""
    return text.evaluation_streams(self.tokens(split), num_streams, self.vocabulary.end)

  def metrics(self, means: Mapping[str, float]) -> dict[str, float]:
    """Returns the metrics, given the mean loss of a token: the perplexity is its exponential."""
    return {"loss": float(means["loss"]), "perplexity": float(np.exp(means["loss"]))}

  def reward(self, metrics: Mapping[str, Any]) -> float:
    """Returns the reward, which grows as the perplexity falls: minus its logarithm."""
    return -metrics[self.reward_metric]

  def _encode(self, split: str) -> np.ndarray:
    tokens = self.vocabulary.encode(self._lines(split))
    expected = _PUBLISHED_SIZES.get(self.name, ({}, None))[0].get(split)
    if expected and len(tokens) != expected:
      raise ValueError(f"{self.name}: expected {expected} {split} tokens, got {len(tokens)}; {_OTHER_TEXT}")
    return tokens[: self._subset(len(tokens))] if split == "train" else tokens

  def _subset(self, available: int) -> int:
    if (self._train_examples or 0) > available:
      raise ValueError(f"{self.name}: train_examples is {self._train_examples}, but there are only {available} tokens")
    return self._train_examples or available

  def _lines(self, split: str) -> list[str]:
    return self._builder.lines(split)


def local_text(
  name: str, *, data_dir: str | None = None, download: bool = False, text_dir: str | None = None, **options
) -> LanguageModeling:
  """Returns the language modeling task of a directory with train, valid and test texts.

  Args:
    name: of the task: "ptb", "wikitext2" or "text".
    data_dir: where prepared data sets are.
    download: not used: these texts are not downloaded.
    text_dir: where the text is.
    **options: of `LanguageModeling`.

  Raises:
    ValueError: if no directory is given.
    FileNotFoundError: if a part is not there.
  """
  del download
  if text_dir is None:
    raise ValueError(
      f"task {name!r} needs the directory of its text: --text_dir with train, valid and test .txt or .txt.gz"
      " (--task=python_reference needs none)"
    )
  return LanguageModeling(name, LocalText(source=text.TextFiles(text_dir), data_dir=data_dir), **options)


def python_reference(name: str, *, data_dir: str | None = None, download: bool = False, **options) -> LanguageModeling:
  """Returns the task on the text that comes with Python, which needs no directory."""
  del download
  options = {"max_vocabulary": _REFERENCE_VOCABULARY, **options}
  return LanguageModeling(name, LocalText(source=text.PythonReference(), data_dir=data_dir), **options)
