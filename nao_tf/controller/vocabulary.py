"""Vocabularies: how architectures become the token sequences that a controller reads and writes.

A vocabulary follows from the decisions of a space (Luo et al., NeurIPS 2018, section 3.2: a cell is a sequence with one
token for each choice). Token 0 starts a sequence. Each kind of decision has its own block of tokens.
"""

import dataclasses
import functools
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from nao_tf.spaces.base import SearchSpace
from nao_tf.trial import Architecture

START_TOKEN = 0


class OrderedTokens(NamedTuple):
  """The tokens of one kind of ordered decisions: neighboring tokens stand for similar choices.

  Attributes:
    first: the first token.
    num_choices: number of tokens.
    reach: see `Decision.reach`.
  """

  first: int
  num_choices: int
  reach: float


@dataclasses.dataclass(frozen=True)
class Vocabulary:
  """The tokens of a space.

  Attributes:
    offsets: token of choice 0 at each position, [L].
    sizes: number of choices at each position, [L].
    size: number of tokens V, including the start token.
    tokens_per_step: number of consecutive tokens that an encoder reads in one step; divides L.
    ordered: the tokens of each kind of ordered decisions.
  """

  offsets: tuple[int, ...]
  sizes: tuple[int, ...]
  size: int
  tokens_per_step: int = 1
  ordered: tuple[OrderedTokens, ...] = ()

  def __post_init__(self) -> None:
    if len(self.offsets) % self.tokens_per_step:
      raise ValueError(f"{len(self.offsets)} tokens cannot be read {self.tokens_per_step} at a time")

  @classmethod
  def of(cls, space: SearchSpace) -> "Vocabulary":
    """Returns the vocabulary of a space, with one block of tokens per kind of decision, in order of first appearance."""
    blocks: dict[str, int] = {}
    for decision in space.decisions:
      blocks[decision.kind] = max(blocks.get(decision.kind, 0), decision.size)
    starts = dict(zip(blocks, np.cumsum([START_TOKEN + 1, *blocks.values()]).tolist()))
    ordered = {OrderedTokens(starts[d.kind], blocks[d.kind], d.reach) for d in space.decisions if d.ordered}
    return cls(
      offsets=tuple(starts[decision.kind] for decision in space.decisions),
      sizes=tuple(decision.size for decision in space.decisions),
      size=START_TOKEN + 1 + sum(blocks.values()),
      tokens_per_step=space.decisions_per_step,
      ordered=tuple(sorted(ordered)),
    )

  @property
  def length(self) -> int:
    """Number of tokens L in a sequence, without the start token."""
    return len(self.offsets)

  @functools.cached_property
  def legal(self) -> np.ndarray:
    """Whether a token is legal at a position, bool [L, V]. The start token is legal nowhere."""
    tokens, offsets = np.arange(self.size), np.array(self.offsets)[:, None]
    return (tokens >= offsets) & (tokens < offsets + np.array(self.sizes)[:, None])

  def encode(self, architectures: Iterable[Architecture]) -> np.ndarray:
    """Returns the tokens of architectures, int32 [B, L]."""
    choices = np.asarray(list(architectures), np.int32).reshape(-1, self.length)
    return choices + np.asarray(self.offsets, np.int32)

  def decode(self, tokens: npt.ArrayLike) -> list[Architecture]:
    """Returns the architectures of token sequences.

    Args:
      tokens: integers [B, L].

    Raises:
      ValueError: if a token is not legal at its position; the message names the first one.
    """
    array = np.asarray(tokens, np.int64).reshape(-1, self.length)
    choices = array - np.asarray(self.offsets)
    illegal = np.argwhere((choices < 0) | (choices >= np.asarray(self.sizes)))
    if len(illegal):
      row, position = illegal[0].tolist()
      first, last = self.offsets[position], self.offsets[position] + self.sizes[position] - 1
      raise ValueError(
        f"sequence {row}: token {array[row, position]} at position {position}, expected {first} to {last}"
      )
    return [tuple(row) for row in choices.tolist()]
