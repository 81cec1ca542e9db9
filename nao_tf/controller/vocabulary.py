"""Vocabularies: how architectures become the token sequences that a controller reads and writes.

Everything is derived from a space's decisions (Luo et al., NeurIPS 2018, section 3.2: a string describes the cell, one
token a choice). Token 0 starts a sequence; each kind of decision has a block of tokens of its own.
"""

import dataclasses
import functools
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from nao_tf.spaces.base import SearchSpace
from nao_tf.trial import Architecture

START_TOKEN = 0


class OrderedTokens(NamedTuple):
  """The tokens of a kind of decision whose neighboring choices are alike.

  Attributes:
    first: the first of them.
    count: how many there are.
    reach: how much the last choice differs from the first, beside other ordered decisions.
  """

  first: int
  count: int
  reach: float


@dataclasses.dataclass(frozen=True)
class Vocabulary:
  """Tokens of a space.

  Attributes:
    offsets: token of choice 0 at each position, [L].
    sizes: number of choices at each position, [L].
    size: number of tokens V, the start token included.
    tokens_per_step: consecutive tokens that an encoder reads in one step; divides L.
    ordered: the tokens of each kind of decision whose neighboring choices are alike.
  """

  offsets: tuple[int, ...]
  sizes: tuple[int, ...]
  size: int
  tokens_per_step: int = 1
  ordered: tuple[OrderedTokens, ...] = ()

  def __post_init__(self):
    if len(self.offsets) % self.tokens_per_step:
      raise ValueError(f"{len(self.offsets)} tokens cannot be read {self.tokens_per_step} at a time")

  @classmethod
  def of(cls, space: SearchSpace) -> "Vocabulary":
    """Returns the vocabulary of a space: one block of tokens per kind of decision, in order of first appearance."""
    blocks: dict[str, int] = {}
    for decision in space.decisions:
      blocks[decision.kind] = max(blocks.get(decision.kind, 0), decision.size)
    starts = dict(zip(blocks, np.cumsum([START_TOKEN + 1, *blocks.values()]).tolist()))
    offsets = tuple(starts[decision.kind] for decision in space.decisions)
    sizes = tuple(decision.size for decision in space.decisions)
    ordered = {OrderedTokens(starts[d.kind], blocks[d.kind], d.reach) for d in space.decisions if d.ordered}
    size = START_TOKEN + 1 + sum(blocks.values())
    return cls(offsets, sizes, size, space.decisions_per_step, tuple(sorted(ordered)))

  @property
  def length(self) -> int:
    """Number of tokens L in a sequence, the start token not included."""
    return len(self.offsets)

  @functools.cached_property
  def legal(self) -> np.ndarray:
    """Which token may stand at which position, bool [L, V]. The start token never may."""
    tokens, offsets = np.arange(self.size), np.array(self.offsets)[:, None]
    return (tokens >= offsets) & (tokens < offsets + np.array(self.sizes)[:, None])

  def encode(self, architectures: Iterable[Architecture]) -> np.ndarray:
    """Returns the tokens of architectures, int32 [B, L]."""
    choices = np.asarray(list(architectures), np.int32).reshape(-1, self.length)
    return choices + np.asarray(self.offsets, np.int32)

  def decode(self, tokens: Sequence[Sequence[int]]) -> list[Architecture]:
    """Returns the architectures that token sequences spell.

    Args:
      tokens: integers [B, L].

    Raises:
      ValueError: naming the first position whose token is not legal there.
    """
    tokens = np.asarray(tokens, np.int64).reshape(-1, self.length)
    choices = tokens - np.asarray(self.offsets)
    illegal = np.argwhere((choices < 0) | (choices >= np.asarray(self.sizes)))
    if len(illegal):
      row, position = illegal[0].tolist()
      first, last = self.offsets[position], self.offsets[position] + self.sizes[position] - 1
      raise ValueError(
        f"sequence {row}: token {tokens[row, position]} at position {position}, expected {first} to {last}"
      )
    return [tuple(row) for row in choices.tolist()]
