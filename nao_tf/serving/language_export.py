"""Exports language models as SavedModels that do not need this package.

An exported language model takes words and looks them up in its vocabulary, which is an asset. Words that are not in the
vocabulary are mapped to `<unk>`.

`serving_default` scores lines of text. It takes `text` `[B]`, strings of words separated by white space. Each string is
treated as a line that follows an `<eos>` and ends in one. It returns

  `words` `[B, T]`: the words of the line, `<eos>`, and then empty strings;
  `log_probabilities` `[B, T]`: the log probability of each word given the preceding ones, in nats; 0 after the end;
  `num_tokens` `[B]` and `perplexity` `[B]`.

`continue` continues texts word by word. It takes `word` `[B]` and `state` `[B, S]`, which is zero at the start of a
text. It returns the new `state`, the `log_probabilities` `[B, V]` of all words of the vocabulary as the next word, and
the `most_likely` word `[B]`.
"""

import dataclasses
import functools
import json
import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from nao_tf.networks.language_model import LanguageModel
from nao_tf.serving.batches import answer_rows
from nao_tf.serving.precisions import DISTANCES, FLOAT32, PRECISIONS
from nao_tf.serving.saved_models import (
  ExportError,
  call_errors,
  check_signature,
  load_saved_model,
  read_asset,
  write_saved_model,
)
from nao_tf.serving.stored_weights import StoredWeights
from nao_tf.spaces.genotypes import Genotype
from nao_tf.tasks.language_modeling import LanguageModeling
from nao_tf.tasks.text import END, WordVocabulary
from nao_tf.training.base import Metrics
from nao_tf.training.variables import tf_variable

SCORE = "serving_default"
CONTINUE = "continue"
SIGNATURES = (SCORE, CONTINUE)
VOCABULARY_ASSET = "vocabulary.txt"
GENOTYPE_ASSET = "genotype.json"
EVALUATION_STREAMS = 16
# White space as `str.split` of Python defines it, in the syntax of RE2.
_WHITE_SPACE = r"[\pZ\x09-\x0d\x1c-\x1f\x{85}]+"


class ServedLanguageModel(tf.Module):
  """What is written: a language model with its vocabulary.

  Attributes:
    kept_variables: the variables of the language model.
    kept_assets: the assets beside the vocabulary.
    tokens: the table from words to tokens.
    words: the table from tokens to words.
    answers: the functions of the signatures, by name.
  """

  def __init__(self, network: LanguageModel, vocabulary_path: str, asset_paths: list[str], precision: str = FLOAT32):
    """Creates the tables and the functions.

    Args:
      network: a trained language model.
      vocabulary_path: path of a file with one word a line, `<unk>` first.
      asset_paths: paths of further files to write beside the graph.
      precision: the type that weights are stored in.
    """
    super().__init__()
    stored = StoredWeights([tf_variable(weight) for weight in network.weights], precision)
    self.kept_variables = stored.variables
    self.kept_assets = [tf.saved_model.Asset(path) for path in asset_paths]
    self.tokens = _lookup(vocabulary_path, tf.string, tf.int64, tf.constant(0, tf.int64))
    self.words = _lookup(vocabulary_path, tf.int64, tf.string, tf.constant(""))
    text, word = (tf.TensorSpec([None], tf.string, name) for name in ("text", "word"))
    state = tf.TensorSpec([None, network.num_state_units], tf.float32, "state")
    # The functions hold the network, which is not an attribute of this module. So Keras does not save it in its own way.
    score, go_on = (functools.partial(answer, network) for answer in (self._score, self._continue))
    answers = {
      SCORE: tf.function(
        lambda text_: answer_rows(score, {"text": text_}, {"text": text}), input_signature=[text], autograph=False
      ),
      CONTINUE: tf.function(
        lambda word_, state_: answer_rows(go_on, {"word": word_, "state": state_}, {"word": word, "state": state}),
        input_signature=[word, state],
        autograph=False,
      ),
    }
    self.answers = stored.answers(answers)

  def _score(self, network: LanguageModel, text: tf.Tensor) -> dict[str, tf.Tensor]:
    lines = tf.strings.split(tf.strings.regex_replace(text, _WHITE_SPACE, " "))
    lines = tf.concat([lines, tf.fill([tf.shape(text)[0], 1], END)], axis=1)
    num_tokens = tf.cast(lines.row_lengths(), tf.int32)
    targets = self.tokens.lookup(lines.to_tensor())
    weights = tf.sequence_mask(num_tokens, tf.shape(targets)[1], tf.float32)
    first = tf.fill([tf.shape(text)[0], 1], self.tokens.lookup(tf.constant(END)))
    features = network.features(tf.concat([first, targets[:, :-1]], axis=1))
    losses = network.token_losses(features, targets) * weights
    return {
      "words": tf.where(weights > 0, self.words.lookup(targets), ""),
      "log_probabilities": 0.0 - losses,
      "num_tokens": num_tokens,
      "perplexity": tf.exp(tf.reduce_sum(losses, axis=1) / tf.cast(num_tokens, tf.float32)),
    }

  def _continue(self, network: LanguageModel, word: tf.Tensor, state: tf.Tensor) -> dict[str, tf.Tensor]:
    logits, state = network(self.tokens.lookup(word)[:, None], state=state, training=False)
    log_probabilities = tf.nn.log_softmax(logits[:, 0])
    most_likely = self.words.lookup(tf.argmax(log_probabilities, axis=1))
    return {"state": state, "log_probabilities": log_probabilities, "most_likely": most_likely}


@dataclasses.dataclass(frozen=True)
class LanguageExporter:
  """Exports language models; a `nao_tf.serving.base.Exporter`.

  Attributes:
    task: the text that the language models are trained on.
    precisions: the types that weights can be stored in.
  """

  task: LanguageModeling
  precisions: ClassVar[tuple[str, ...]] = PRECISIONS

  def export(self, network: LanguageModel, directory: str, *, genotype: Genotype, precision: str = FLOAT32) -> None:
    """Writes a language model; see `nao_tf.serving.export_network`."""
    self.check()
    vocabulary = self.task.vocabulary
    texts = {
      VOCABULARY_ASSET: "\n".join(vocabulary.words) + "\n",
      GENOTYPE_ASSET: json.dumps(genotype.to_json(), indent=2) + "\n",
    }

    def make(paths: Mapping[str, str]) -> tuple[tf.Module, dict[str, Any]]:
      served = ServedLanguageModel(network, paths[VOCABULARY_ASSET], [paths[GENOTYPE_ASSET]], precision)
      return served, served.answers

    def check(served: ServedLanguageModel, loaded: Any) -> None:
      _compare(served, loaded, vocabulary)
      _compare_with_network(network, loaded, vocabulary, DISTANCES[precision])

    write_saved_model(directory, make, texts=texts, check=check)

  def check(self) -> None:
    """Checks that the words can be written, one a line.

    Raises:
      ExportError: if a word is empty or has white space in it.
    """
    for word in self.task.vocabulary.words:
      if word.split() != [word]:
        raise ExportError(f"{self.task.name}: expected words without white space, got {word!r}")

  @property
  def description(self) -> dict[str, Any]:
    """What an export needs to know of the task, as JSON values."""
    return {"vocabulary": list(self.task.vocabulary.words)}

  @classmethod
  def of_description(cls, name: str, description: Mapping[str, Any]) -> "LanguageExporter":
    """Returns the exporter of a task that has a description but no text; see `description`.

    Args:
      name: name of the task.
      description: from outside, as JSON values.

    Raises:
      ValueError: if it is not such a description.
    """
    words = description.get("vocabulary")
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
      raise ValueError("expected the words as vocabulary")
    return cls(_RecordedLanguageModeling(name, WordVocabulary(words)))

  def evaluate(self, directory: str, split: str) -> Metrics:
    """Returns `loss`, `perplexity` and `tokens` of an export; see `nao_tf.serving.evaluate_exported`."""
    streams = self.task.evaluation_streams(split, EVALUATION_STREAMS)
    loss = mean_loss(directory, self.task.vocabulary, *streams)
    return {**self.task.metrics({"loss": loss}), "tokens": self.task.num_examples(split)}


class _RecordedLanguageModeling(LanguageModeling):
  """A recorded task: its vocabulary is known, and nothing else."""

  def __init__(self, name: str, vocabulary: WordVocabulary):
    """Sets the vocabulary."""
    super().__init__(name, _NoText())
    self._recorded = vocabulary

  @functools.cached_property
  def vocabulary(self) -> WordVocabulary:
    """The words that were recorded."""
    return self._recorded


class _NoText:
  """The text of a recorded task, which is not here."""

  def lines(self, split: str) -> list[str]:
    """Raises ValueError."""
    raise ValueError(f"the {split} text is not available: only the recorded description of the task was read")


def load_exported(directory: str) -> Any:
  """Loads an exported language model. Keep the returned object as long as one of its signatures is used.

  Raises:
    ExportError: if the directory holds no SavedModel, or not one of a language model.
  """
  loaded = load_saved_model(directory, SIGNATURES)
  check_signature(directory, loaded, SCORE, inputs={"text": 1}, outputs=("words", "log_probabilities"))
  answers = ("state", "log_probabilities", "most_likely")
  check_signature(directory, loaded, CONTINUE, inputs={"word": 1, "state": 2}, outputs=answers)
  return loaded


def mean_loss(
  directory: str, vocabulary: WordVocabulary, inputs: np.ndarray, targets: np.ndarray, weights: np.ndarray
) -> float:
  """Returns the mean cross-entropy of an exported language model over parallel texts, in nats per token.

  Args:
    directory: directory of the SavedModel.
    vocabulary: the words of the tokens.
    inputs: tokens `[B, T]`. Each row is a text, and begins without a past.
    targets: the tokens that follow the inputs, `[B, T]`.
    weights: weights of the targets, `[B, T]`.

  Raises:
    ExportError: if the directory holds no exported language model, or one with another vocabulary.
  """
  loaded = load_exported(directory)
  _check_vocabulary(directory, vocabulary)
  go_on = loaded.signatures[CONTINUE]
  words = np.array([word.encode("utf-8") for word in vocabulary.words], object)
  state = tf.zeros([len(inputs), go_on.structured_input_signature[1]["state"].shape[-1]])
  total, rows = 0.0, np.arange(len(inputs))
  for time in range(inputs.shape[1]):
    with call_errors(directory):
      answer = go_on(word=tf.constant(words[inputs[:, time]]), state=state)
    state = answer["state"]
    total -= float(answer["log_probabilities"].numpy()[rows, targets[:, time]] @ weights[:, time])
  return total / float(np.sum(weights))


def _check_vocabulary(directory: str, vocabulary: WordVocabulary) -> None:
  """Raises ExportError if an export has another vocabulary."""
  exported = tuple(read_asset(directory, VOCABULARY_ASSET).removesuffix("\n").split("\n"))
  if exported == vocabulary.words:
    return
  unknown = sorted(set(vocabulary.words) - set(exported))[:3]
  raise ExportError(
    f"{directory}: was trained on a text with another vocabulary, of {len(exported)} words where this text has"
    f" {len(vocabulary)}" + (f"; it does not know {', '.join(map(repr, unknown))}" if unknown else "")
  )


def _lookup(path: str, key_type: tf.DType, value_type: tf.DType, default: tf.Tensor) -> tf.lookup.StaticHashTable:
  """Returns the table of a file with one word a line: from words to line numbers from 0, or the other way round."""
  index = {
    tf.string: tf.lookup.TextFileIndex.WHOLE_LINE,
    tf.int64: tf.lookup.TextFileIndex.LINE_NUMBER,
  }
  initializer = tf.lookup.TextFileInitializer(path, key_type, index[key_type], value_type, index[value_type])
  return tf.lookup.StaticHashTable(initializer, default)


def _compare(served: ServedLanguageModel, loaded: Any, vocabulary: WordVocabulary) -> None:
  """Compares the answers of module and SavedModel for two lines, and continuing a line with scoring it."""
  line = list(vocabulary.words[-3:])
  text = tf.constant([" ".join(line), " ".join(line[:1])])
  scores = loaded.signatures[SCORE](text=text)["log_probabilities"]
  _check_close("scores", served.answers[SCORE](text)["log_probabilities"], scores)
  state_size = loaded.signatures[CONTINUE].structured_input_signature[1]["state"].shape[-1]
  state, continued = tf.zeros([1, state_size]), []
  for word, target in zip([END, *line], vocabulary.encode([" ".join(line)])):
    answer = loaded.signatures[CONTINUE](word=tf.constant([word]), state=state)
    state = answer["state"]
    continued.append(answer["log_probabilities"][0, target])
  _check_close("continuing a line", tf.stack(continued), scores[0])


def _compare_with_network(network: LanguageModel, loaded: Any, vocabulary: WordVocabulary, distance: float) -> None:
  """Compares the scores of a line with those of the network."""
  line = " ".join(vocabulary.words[-3:])
  scores = loaded.signatures[SCORE](text=tf.constant([line]))["log_probabilities"]
  targets = np.asarray(vocabulary.encode([line]), np.int32)
  inputs = np.array([vocabulary.end, *targets[:-1]], np.int32)
  losses = network.token_losses(network.features(tf.constant(inputs[None])), tf.constant(targets[None]))
  _check_close("scores", -losses, scores, distance)


def _check_close(what: str, ours: tf.Tensor, theirs: tf.Tensor, tolerance: float = DISTANCES[FLOAT32]) -> None:
  """Raises ExportError if two answers differ."""
  gap = float(tf.reduce_max(tf.abs(ours - theirs)))
  if math.isnan(gap) or gap > tolerance * (1 + float(tf.reduce_max(tf.abs(ours)))):
    raise ExportError(f"the answers of the export differ from those of the network: {what} by {gap}")
