"""The rounds of a search with shared weights, in an append-only file: what was trained on, and what came out."""

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

from nao_tf.runs.lines import LinesFile
from nao_tf.trial import Architecture

ROUNDS_FILE = "rounds.jsonl"


class Round(NamedTuple):
  """A batch of architectures to evaluate, and how the supernet is trained before.

  Attributes:
    number: from 0.
    batch: the architectures.
    pool: what the supernet is trained on.
    last_epoch: the last epoch of that training.
  """

  number: int
  batch: list[Architecture]
  pool: list[Architecture]
  last_epoch: int


class RoundsFile:
  """The rounds so far.

  Attributes:
    divergence: how the training diverged; None if it did not.
  """

  def __init__(self, directory: str) -> None:
    """Opens the file of a directory, or starts one.

    Args:
      directory: where the file is; made if it does not exist.

    Raises:
      OSError: if the file cannot be read or written.
      ValueError: if the file holds something else.
    """
    os.makedirs(directory, exist_ok=True)
    self._rounds: list[Round] = []
    self._references: dict[int, list[float]] = {}
    self._rewards: dict[Architecture, float] = {}
    self.divergence: str | None = None
    self._lines = LinesFile(os.path.join(directory, ROUNDS_FILE))
    self._lines.read(self._enter, "a record of rounds")

  def __len__(self) -> int:
    return len(self._rounds)

  def resume(self, architectures: Sequence[Architecture]) -> Round | None:
    """Returns the last round if all these architectures are of its batch, so that it goes on with them; otherwise None."""
    if self._rounds and set(architectures) <= set(self._rounds[-1].batch):
      return self._rounds[-1]
    return None

  def add(self, batch: Sequence[Architecture], pool: Sequence[Architecture], last_epoch: int) -> Round:
    """Records a new round and returns it."""
    self._append({"round": len(self), "batch": list(batch), "pool": list(pool), "last_epoch": last_epoch})
    return self._rounds[-1]

  def add_reference(self, number: int, scores: Sequence[float]) -> None:
    """Records the scores of the reference in a round."""
    self._append({"reference": list(scores), "of": number})

  def add_reward(self, architecture: Architecture, reward: float) -> None:
    """Records a reward."""
    self._append({"architecture": list(architecture), "reward": reward})

  def add_divergence(self, reason: str) -> None:
    """Records that the training cannot go on."""
    self._append({"diverged": reason})

  def reference(self, number: int) -> list[float]:
    """Returns the scores of the reference in a round; an empty list if they were not taken."""
    return self._references.get(number, [])

  def first_with(self, last_epoch: int) -> Round:
    """Returns the first round whose training ended with that epoch."""
    return next(round_ for round_ in self._rounds if round_.last_epoch == last_epoch)

  def best_first(self) -> list[Architecture]:
    """Returns all architectures that have a reward, from the highest to the lowest; among equals the earlier comes first."""
    return sorted(self._rewards, key=lambda architecture: -self._rewards[architecture])

  def _append(self, record: dict[str, Any]) -> None:
    self._lines.append(record, allow_nan=True)
    self._enter(record)

  def _enter(self, record: dict[str, Any]) -> None:
    if "round" in record:
      batch, pool = ([tuple(row) for row in record[name]] for name in ("batch", "pool"))
      self._rounds.append(Round(record["round"], batch, pool, record["last_epoch"]))
    elif "reference" in record:
      self._references[record["of"]] = record["reference"]
    elif "diverged" in record:
      self.divergence = str(record["diverged"])
    else:
      self._rewards[tuple(record["architecture"])] = record["reward"]
