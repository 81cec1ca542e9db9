"""Reads the file of the seconds that oracles take for a trial."""

from typing import Any

from nao_tf import fields
from nao_tf.runs.json_files import read_json


def read_overhead(path: str) -> dict[str, dict[str, float]]:
  """Returns the "mean" and "max" of the seconds of a trial and their number, "num_timed", by what was measured.

  Raises:
    ValueError: if the file holds something else; the message names it.
    OSError: if it cannot be read.
  """
  data = read_json(path)
  try:
    return {name: _seconds(value, name) for name, value in fields.mapping(data, "overhead").items()}
  except ValueError as error:
    raise ValueError(f"{path}: {error}") from error


def _seconds(value: Any, name: str) -> dict[str, float]:
  found = fields.members(value, repr(name[:60]), ("mean", "max", "num_timed"))
  times = {key: fields.number(found[key], key, 0) for key in ("mean", "max")}
  return {**times, "num_timed": fields.integer(found["num_timed"], "num_timed", 0)}
