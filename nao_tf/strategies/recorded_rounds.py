"""Records proposals that are expensive to compute, so that a resumed search need not recompute them."""

import os
from collections.abc import Sequence
from typing import Any

from absl import logging

from nao_tf import fields
from nao_tf.runs.json_files import read_json, write_json
from nao_tf.strategies.base import Proposal
from nao_tf.trial import Origin

_FILE = "proposals.json"

Key = tuple[int, int, int]
"""How many architectures were asked for, how many trials were told, and how many proposals were wanted."""


class RecordedRounds:
  """Recorded proposals, keyed by the state of the search in which they were made."""

  def __init__(self, settings: str):
    """Initializes without a record.

    Args:
      settings: what the proposals depend on beside the search. A record of other settings is not used.
    """
    self._settings = settings
    self._rounds: dict[Key, list[Proposal]] = {}

  def get(self, key: Key) -> list[Proposal] | None:
    """Returns the proposals for a state; None if none are recorded."""
    return self._rounds.get(key)

  def put(self, key: Key, proposals: Sequence[Proposal]) -> None:
    """Records proposals."""
    self._rounds[key] = list(proposals)

  def save(self, directory: str) -> None:
    """Writes the record to a directory, which is created if necessary."""
    os.makedirs(directory, exist_ok=True)
    rows = [[list(key), [[list(a), origin.to_json()] for a, origin in round_]] for key, round_ in self._rounds.items()]
    write_json(os.path.join(directory, _FILE), {"settings": self._settings, "rounds": rows})

  def restore(self, directory: str) -> int:
    """Restores what `save` wrote, if it is readable.

    Returns:
      The number of architectures asked for before the latest recorded proposals; 0 if there are none.
    """
    path = os.path.join(directory, _FILE)
    if not os.path.exists(path):
      return 0
    try:
      data = fields.members(read_json(path), path, ("settings", "rounds"))
      if data["settings"] != self._settings:
        return 0
      self._rounds = dict(_read_round(row) for row in fields.elements(data["rounds"], "rounds"))
    except (OSError, ValueError) as error:
      logging.warning("%s cannot be read (%s): the proposals are computed again", path, error)
    return max((asked for asked, _, _ in self._rounds), default=0)


def _read_round(row: Any) -> tuple[Key, list[Proposal]]:
  key, proposals = fields.elements(row, "a round", 2)
  asked, told, count = fields.integers(fields.elements(key, "the key of a round", 3), "the key of a round", 0)
  pairs = (fields.elements(pair, "a proposal", 2) for pair in fields.elements(proposals, "the proposals of a round"))
  round_ = [(fields.integers(architecture, "architecture"), Origin.from_json(origin)) for architecture, origin in pairs]
  return (asked, told, count), round_
