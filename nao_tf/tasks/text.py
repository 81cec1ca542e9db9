"""Text for language models: lines, words, tokens and streams.

A line is a sequence of words separated by white space, and ends in `<eos>`. Lines are separated by a line feed, a
carriage return, or both, but by no other character, unlike in `str.splitlines`. The vocabulary is that of the training
text. Words that are not in it become `<unk>`.
"""

import collections
import gzip
import hashlib
import os
import re
import unicodedata
import zlib
from collections.abc import Iterable, Sequence
from pydoc_data import topics
from typing import Protocol

import numpy as np

from nao_tf.tasks.base import SPLITS

UNKNOWN = "<unk>"
END = "<eos>"
SUFFIXES = (".txt", ".txt.gz")

_LONE_RETURN = re.compile(rb"\r(?!\n)")
_GZIP = b"\x1f\x8b"


class LinesOfText(Protocol):
  """A text in three splits."""

  def lines(self, split: str) -> list[str]:
    """Returns the lines of "train", "valid" or "test"."""


class TextSource(LinesOfText, Protocol):
  """A text with three splits and a fingerprint.

  Attributes:
    name: name of the text, an identifier.
  """

  name: str

  @property
  def fingerprint(self) -> str:
    """A digest of the whole text."""


class WordVocabulary:
  """The vocabulary of a language model. The token of a word is its index.

  Attributes:
    words: `<unk>`, `<eos>`, and all other words, most frequent first.
  """

  def __init__(self, words: Sequence[str]):
    """Numbers the words.

    Args:
      words: all words, including `<unk>` and `<eos>`.

    Raises:
      ValueError: if `<unk>` or `<eos>` is missing, or a word occurs twice.
    """
    self.words = tuple(words)
    self._tokens = {word: token for token, word in enumerate(self.words)}
    missing = [word for word in (UNKNOWN, END) if word not in self._tokens]
    if missing:
      raise ValueError(f"a vocabulary needs the words {UNKNOWN} and {END}; {' and '.join(missing)} is missing")
    if len(self._tokens) != len(self.words):
      raise ValueError(f"a vocabulary must have every word once, got {len(self.words) - len(self._tokens)} repetitions")

  @classmethod
  def of(cls, lines: Iterable[str], *, max_size: int | None = None) -> "WordVocabulary":
    """Returns the vocabulary of a text.

    Args:
      lines: the training text.
      max_size: maximum size of the vocabulary; the rarest words are left out. None for no limit.
    """
    counts = collections.Counter(word for line in lines for word in line.split())
    frequent = sorted((word for word in counts if word not in (UNKNOWN, END)), key=lambda word: (-counts[word], word))
    return cls((UNKNOWN, END, *frequent)[:max_size])

  def __len__(self) -> int:
    """Returns the number of words."""
    return len(self.words)

  @property
  def end(self) -> int:
    """The token of `<eos>`."""
    return self._tokens[END]

  def encode(self, lines: Iterable[str]) -> np.ndarray:
    """Returns the tokens of lines, each followed by `<eos>`, int32 `[N]`."""
    unknown, find = self._tokens[UNKNOWN], self._tokens.get
    return np.array([find(word, unknown) for line in lines for word in (*line.split(), END)], np.int32)

  def decode(self, tokens: Iterable[int]) -> list[str]:
    """Returns the words of tokens."""
    return [self.words[token] for token in tokens]


class TextFiles:
  """The text of a directory: train, valid and test, each a `.txt` or `.txt.gz` file in UTF-8.

  Attributes:
    name: name of the directory.
  """

  def __init__(self, directory: str):
    """Finds the files.

    Args:
      directory: directory of the files.

    Raises:
      FileNotFoundError: if one is missing.
    """
    self.name = re.sub(r"\W+", "_", os.path.basename(os.path.abspath(os.path.expanduser(directory)))) or "text"
    self._paths = {split: _find(os.path.expanduser(directory), split) for split in SPLITS}

  @property
  def fingerprint(self) -> str:
    """A digest of the bytes of the files, as they are on disk."""
    digests = (_digest(self._paths[split]) for split in SPLITS)
    return hashlib.sha256(" ".join(digests).encode()).hexdigest()

  def lines(self, split: str) -> list[str]:
    """Returns the lines of a split.

    Raises:
      ValueError: if the file has no words, is not in UTF-8, or cannot be decompressed.
    """
    lines = read_lines(self._paths[split])
    if not any(line.strip() for line in lines):
      raise ValueError(f"{self._paths[split]}: expected text, found no words")
    return lines


class PythonReference:
  """The Python language reference included in Python: half a megabyte of English text, without a download.

  The last fifth is for validation and test. Words are lowercase, and punctuation marks are separate words. Repeated
  lines are dropped, since chapters quote each other.

  Attributes:
    name: "python_reference".
  """

  name = "python_reference"

  @property
  def fingerprint(self) -> str:
    """A digest of the text, which differs between versions of Python."""
    return hashlib.sha256("\n".join(self._all_lines()).encode()).hexdigest()

  def lines(self, split: str) -> list[str]:
    """Returns the lines of a split."""
    lines = self._all_lines()
    first, last = {"train": (0.0, 0.8), "valid": (0.8, 0.9), "test": (0.9, 1.0)}[split]
    return lines[round(first * len(lines)) : round(last * len(lines))]

  def _all_lines(self) -> list[str]:
    chapters = (topics.topics[title] for title in sorted(topics.topics))
    lines = (_separate_words(line) for chapter in chapters for line in split_lines(chapter))
    return list(dict.fromkeys(line for line in lines if line))


def split_lines(text: str) -> list[str]:
  """Returns the lines of a text; see the module docstring. A trailing line break does not start another line."""
  return text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")


def read_lines(path: str) -> list[str]:
  """Returns the lines of a text file.

  Args:
    path: path of the file; compressed if its name ends in ".gz".

  Raises:
    ValueError: if it is not in UTF-8, or cannot be decompressed; the message names the file and the line.
    OSError: if it cannot be read.
  """
  with open(path, "rb") as file:
    data = _decompressed(path, file.read())
  try:
    text = data.decode("utf-8")
  except UnicodeDecodeError as error:
    line = len(split_lines(data[: error.start].decode("utf-8") + "."))
    raise ValueError(
      f"{path}: line {line} is not UTF-8 (byte 0x{data[error.start]:02x}) at offset {error.start};"
      f" {'decompress it, or name it .txt.gz' if data[:2] == _GZIP else 'convert the file to UTF-8 first'}"
    ) from error
  return split_lines(text.removeprefix("\ufeff"))


def training_streams(tokens: np.ndarray, num_streams: int, first: int) -> tuple[np.ndarray, np.ndarray]:
  """Splits a text into parallel streams of equal length, dropping the remaining tokens at its end.

  Args:
    tokens: the text, `[N]`.
    num_streams: number of streams, B.
    first: the token before the text.

  Returns:
    Inputs and targets, int32 `[B, N // B]`. The targets are the text, and each input is the token before its target.

  Raises:
    ValueError: if there is less than one token per stream.
  """
  length = len(tokens) // num_streams
  if not length:
    raise ValueError(f"a text of {len(tokens)} tokens cannot be divided into {num_streams} streams")
  inputs = np.concatenate([[first], tokens[:-1]]).astype(np.int32)
  kept = num_streams * length
  return inputs[:kept].reshape(num_streams, length), tokens[:kept].reshape(num_streams, length)


def evaluation_streams(tokens: np.ndarray, num_streams: int, first: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """Splits a whole text into parallel streams of equal length, padding the last one.

  Args:
    tokens: the text, `[N]`.
    num_streams: maximum number of streams, B; at most N are used.
    first: the token before the text.

  Returns:
    Inputs, targets and weights, `[B, ceil(N / B)]`. Inputs and targets are as in `training_streams`. The weights are 1
    for tokens of the text and 0 for padding.
  """
  num_streams = min(num_streams, len(tokens))
  missing = -len(tokens) % num_streams
  inputs, targets = training_streams(np.pad(tokens, (0, missing)), num_streams, first)
  weights = np.pad(np.ones(len(tokens), np.float32), (0, missing)).reshape(num_streams, -1)
  return inputs, targets, weights


def _find(directory: str, split: str) -> str:
  """Returns the path of the file of a split."""
  candidates = [os.path.join(directory, split + suffix) for suffix in SUFFIXES]
  found = [path for path in candidates if os.path.isfile(path)]
  if not found:
    raise FileNotFoundError(f"no {split} text: expected {' or '.join(candidates)}")
  return found[0]


def _digest(path: str) -> str:
  """Returns the SHA-256 of a file. A text with carriage returns alone has another one: it was read otherwise before."""
  with open(path, "rb") as file:
    data = file.read()
  digest = hashlib.sha256(data)
  if _LONE_RETURN.search(_decompressed(path, data)):
    digest.update(b"lines end at carriage returns")
  return digest.hexdigest()


def _decompressed(path: str, data: bytes) -> bytes:
  """Returns the text in the content of a file, which is compressed if its name says so."""
  try:
    return gzip.decompress(data) if path.endswith(".gz") else data
  except (gzip.BadGzipFile, EOFError, zlib.error) as error:
    raise ValueError(f"{path}: cannot be decompressed ({error})") from error


def _separate_words(line: str) -> str:
  """Returns a line in lower case, with punctuation marks as words."""
  words = re.findall(r"\w+|[^\w\s]", unicodedata.normalize("NFC", line).lower())
  return " ".join(words)
