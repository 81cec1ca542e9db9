"""The rounds of a search with shared weights, in an append-only file: the pools and the rewards."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from nao_tf import fields
from nao_tf.runs.lines import LinesFile
from nao_tf.spaces.base import SearchSpace
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

  def __init__(self, directory: str, space: SearchSpace | None = None) -> None:
    """Opens the file of a directory, or starts one.

    Args:
      directory: where the file is; created if it does not exist.
      space: space of the architectures; None: they are not checked against one.

    Raises:
      OSError: if the file cannot be read or written.
      ValueError: if the file holds something else, such as an architecture of another space. The message names the
        line.
    """
    os.makedirs(directory, exist_ok=True)
    self._space = space
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

  def _enter(self, record: Any) -> None:
    """Enters what a line holds: the member that only its kind has says which kind it is."""
    found = fields.mapping(record, "record")
    enter = next((enter for key, enter in self._enter_by_key.items() if key in found), None)
    if enter is None:
      raise fields.wrong(f"an object with one of {', '.join(self._enter_by_key)}", "record", record)
    enter(found)

  @property
  def _enter_by_key(self) -> dict[str, Callable[[Mapping[str, Any]], None]]:
    return {
      "round": self._enter_round,
      "reference": self._enter_reference,
      "diverged": self._enter_divergence,
      "architecture": self._enter_reward,
    }

  def _enter_round(self, record: Mapping[str, Any]) -> None:
    found = fields.members(record, "a round", ("round", "batch", "pool", "last_epoch"))
    number = fields.integer(found["round"], "round", len(self), len(self))
    batch, pool = (
      [self._architecture(row, f"{name}[{index}]") for index, row in enumerate(fields.elements(found[name], name))]
      for name in ("batch", "pool")
    )
    self._rounds.append(Round(number, batch, pool, fields.integer(found["last_epoch"], "last_epoch", 0)))

  def _enter_reference(self, record: Mapping[str, Any]) -> None:
    found = fields.members(record, "scores of the reference", ("reference", "of"))
    scores = fields.elements(found["reference"], "reference")
    number = fields.integer(found["of"], "of", 0, len(self) - 1)
    self._references[number] = [fields.any_number(score, f"reference[{i}]") for i, score in enumerate(scores)]

  def _enter_divergence(self, record: Mapping[str, Any]) -> None:
    self.divergence = fields.text(fields.members(record, "a divergence", ("diverged",))["diverged"], "diverged")

  def _enter_reward(self, record: Mapping[str, Any]) -> None:
    found = fields.members(record, "a reward", ("architecture", "reward"))
    architecture = self._architecture(found["architecture"], "architecture")
    self._rewards[architecture] = fields.number(found["reward"], "reward")

  def _architecture(self, value: Any, name: str) -> Architecture:
    architecture = fields.integers(value, name)
    return architecture if self._space is None else self._space.checked(architecture)
