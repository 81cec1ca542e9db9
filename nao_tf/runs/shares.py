"""The probabilities of choices in a one-shot search after each epoch: `shares.jsonl` next to its journal.

The file is optional: it is only used by the report, to show how the search converges.
"""

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

from nao_tf import fields
from nao_tf.runs.lines import read_lines
from nao_tf.runs.side_files import SideFile

SHARES_FILE = "shares.jsonl"


class Shares(NamedTuple):
  """The probabilities of the choices of one decision.

  Attributes:
    group: what the decision is a part of, such as "normal cell".
    name: name of the decision.
    choices: names of the choices.
    values: their probabilities, in this order.
  """

  group: str
  name: str
  choices: tuple[str, ...]
  values: tuple[float, ...]


class SharesFile:
  """The file of a search, open for writing. The caller holds the lock of the directory."""

  def __init__(self, directory: str):
    """Opens the file of a directory, or starts one. A damaged file is set aside with a warning; see `SideFile`."""
    self._file = SideFile(os.path.join(directory, SHARES_FILE), _parsed, "shares of choices")

  def add(self, epoch: int, shares: Sequence[Shares]) -> None:
    """Records the shares after an epoch, if there are any."""
    if shares:
      self._file.append({"epoch": epoch, "shares": [row._asdict() for row in shares]})

  def close(self) -> None:
    """Closes the file."""
    self._file.close()


def read_shares(directory: str) -> dict[int, list[Shares]]:
  """Returns the shares by epoch; nothing if there is no file. If an epoch is recorded twice, the later one counts.

  Raises:
    ValueError: if the file is damaged; the message names the line.
  """
  path = os.path.join(directory, SHARES_FILE)
  if not os.path.exists(path):
    return {}
  return dict(sorted(dict(read_lines(path, _parsed, "shares of choices", allow_nan=False)).items()))


def _parsed(value: Any) -> tuple[int, list[Shares]]:
  row = fields.members(value, "shares of choices", ("epoch", "shares"))
  return fields.integer(row["epoch"], "epoch", 1), [_shares(item) for item in fields.elements(row["shares"], "shares")]


def _shares(value: Any) -> Shares:
  row = fields.members(value, "shares of a decision", ("group", "name", "choices", "values"))
  choices = tuple(fields.text(choice, "a choice") for choice in fields.elements(row["choices"], "choices"))
  values = tuple(fields.number(share, "a share", 0) for share in fields.elements(row["values"], "values", len(choices)))
  return Shares(fields.text(row["group"], "group"), fields.text(row["name"], "name"), choices, values)
