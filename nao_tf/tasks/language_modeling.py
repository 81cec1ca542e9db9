"""Language modeling: a network predicts the next word of a text; the reward is the negative log perplexity.

Source: Luo et al., NeurIPS 2018, section 4.2. The vocabulary is that of the training text, each line ends in `<eos>`,
and each token of a split counts once.
"""

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from nao_tf.spaces.genotypes import LstmGenotype, RecurrentGenotype
from nao_tf.tasks import text
from nao_tf.tasks.base import StreamTask, check_split
from nao_tf.tasks.text_builder import LocalText
from nao_tf.tasks.traits import TEXT

# Tokens of the three splits, with one `<eos>` a line, and words of the vocabularies of the benchmark texts.
PUBLISHED_TOKENS = {
  "ptb": {"train": 929_589, "valid": 73_760, "test": 82_430},
  "wikitext2": {"train": 2_088_628, "valid": 217_646, "test": 245_569},
}
PUBLISHED_WORDS = {"ptb": 10_000, "wikitext2": 33_278}
_OTHER_TEXT = "the task for a text of your own is called text"
_REFERENCE_VOCABULARY = 5_000


class LanguageModeling(StreamTask):
  """Language modeling on a text with three splits."""

  kind = TEXT.kind
  space = TEXT.space
  reward_metric = "loss"
  genotypes = (RecurrentGenotype, LstmGenotype)
  child = TEXT.child
  final = TEXT.final
  input_shape = ()

  def __init__(
    self,
    name: str,
    source: text.LinesOfText,
    *,
    max_vocabulary: int | None = None,
    train_examples: int | None = None,
  ):
    """Initializes the task without reading any text.

    Args:
      name: name of the task, for messages and exports. Texts with the names of published ones are checked for their
        sizes.
      source: source of the text.
      max_vocabulary: maximum size of the vocabulary; None for no limit.
      train_examples: number of tokens to train on, from the start of the training text; None for all. The vocabulary is
        still that of the whole training text.

    Raises:
      ValueError: if `max_vocabulary` leaves no room for a word besides `<unk>` and `<eos>`, or there are no training
        tokens.
    """
    if max_vocabulary is not None and max_vocabulary < 3:
      raise ValueError(f"max_vocabulary must be at least 3, or None for all words, got {max_vocabulary}")
    if train_examples is not None and train_examples < 1:
      raise ValueError(f"train_examples must be at least 1, or None for all, got {train_examples}")
    self.name = name
    self._source, self._max_vocabulary, self._train_examples = source, max_vocabulary, train_examples
    self._tokens: dict[str, np.ndarray] = {}

  def prepare_nothing(self) -> None:
    """Reads the text from its files if it is not prepared; see `Task.prepare_nothing`."""
    if isinstance(self._source, LocalText):
      self._source = self._source.unwritten

  @functools.cached_property
  def vocabulary(self) -> text.WordVocabulary:
    """The vocabulary of the training text."""
    vocabulary = text.WordVocabulary.of(self._source.lines("train"), max_size=self._max_vocabulary)
    expected = PUBLISHED_WORDS.get(self.name)
    if expected and self._max_vocabulary is None and len(vocabulary) != expected:
      raise ValueError(f"{self.name}: expected {expected} words, got {len(vocabulary)}; {_OTHER_TEXT}")
    return vocabulary

  @property
  def num_outputs(self) -> int:
    """The size of the vocabulary."""
    return len(self.vocabulary)

  def num_examples(self, split: str) -> int:
    """Returns the number of tokens of a split, including one `<eos>` per line; see `Problem.num_examples`."""
    return len(self.tokens(split))

  def tokens(self, split: str) -> np.ndarray:
    """Returns the tokens of "train", "valid" or "test", int32 `[N]`."""
    check_split(split)
    if split not in self._tokens:
      self._tokens[split] = self._encode(split)
    return self._tokens[split]

  def training_streams(self, num_streams: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns inputs and targets of the training text; see `nao_tf.tasks.text.training_streams`."""
    return text.training_streams(self.tokens("train"), num_streams, self.vocabulary.end)

  def evaluation_streams(self, split: str, num_streams: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns inputs, targets and weights of a split; see `nao_tf.tasks.text.evaluation_streams`."""
    return text.evaluation_streams(self.tokens(split), num_streams, self.vocabulary.end)

  def metrics(self, means: Mapping[str, float]) -> dict[str, float]:
    """Returns `loss`, the mean cross-entropy per token in nats, and `perplexity`, its exponential."""
    with np.errstate(over="ignore"):  # The perplexity of a model that diverges is infinite.
      return {"loss": float(means["loss"]), "perplexity": float(np.exp(means["loss"]))}

  def reward(self, metrics: Mapping[str, float]) -> float:
    """Returns the negative loss, that is, the negative log perplexity; higher is better."""
    return -metrics[self.reward_metric]

  def _encode(self, split: str) -> np.ndarray:
    tokens = self.vocabulary.encode(self._source.lines(split))
    expected = PUBLISHED_TOKENS.get(self.name, {}).get(split)
    if expected and len(tokens) != expected:
      raise ValueError(f"{self.name}: expected {expected} {split} tokens, got {len(tokens)}; {_OTHER_TEXT}")
    return tokens[: self._subset(len(tokens))] if split == "train" else tokens

  def _subset(self, available: int) -> int:
    """Returns how many of the available tokens are trained on."""
    if (self._train_examples or 0) > available:
      raise ValueError(f"{self.name}: train_examples is {self._train_examples}, but there are only {available} tokens")
    return self._train_examples or available


class LocalLanguageModeling(LanguageModeling):
  """Language modeling on the texts in a directory: train, valid and test."""

  def __init__(
    self,
    name: str,
    *,
    data_dir: str | None = None,
    download: bool = False,
    text_dir: str | None = None,
    **options: Any,
  ):
    """Finds the texts; reads none yet.

    Args:
      name: name of the task: "ptb", "wikitext2" or "text".
      data_dir: directory of prepared data sets; None for the default of TensorFlow Datasets.
      download: not used: these texts are not downloaded.
      text_dir: directory of the texts.
      **options: options of `LanguageModeling`.

    Raises:
      ValueError: if no directory is given, or an option is out of range.
      FileNotFoundError: if a text is missing.
    """
    del download
    if text_dir is None:
      raise ValueError(
        f"task {name!r} needs the directory of its text: --text_dir with train, valid and test .txt or .txt.gz"
        " (--task=python_reference needs none)"
      )
    super().__init__(name, LocalText(source=text.TextFiles(text_dir), data_dir=data_dir), **options)


class PythonReferenceModeling(LanguageModeling):
  """Language modeling on the Python reference manual, which is included in Python."""

  def __init__(
    self,
    name: str = "python_reference",
    *,
    data_dir: str | None = None,
    download: bool = False,
    max_vocabulary: int | None = _REFERENCE_VOCABULARY,
    **options: Any,
  ):
    """Initializes the task; reads no text yet.

    Args:
      name: name of the task.
      data_dir: directory of prepared data sets; None for the default of TensorFlow Datasets.
      download: not used.
      max_vocabulary: see `LanguageModeling`.
      **options: further options of `LanguageModeling`.
    """
    del download
    source = LocalText(source=text.PythonReference(), data_dir=data_dir)
    super().__init__(name, source, max_vocabulary=max_vocabulary, **options)
