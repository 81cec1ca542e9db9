"""Maps of the embedding space of a controller: `embedding_maps.jsonl` next to the journal, one line per map.

The file is optional: it is only used by reports, to show how architectures moved.
"""

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

from nao_tf import fields
from nao_tf.runs.lines import read_lines
from nao_tf.runs.side_files import SideFile
from nao_tf.trial import Architecture

EMBEDDING_MAPS_FILE = "embedding_maps.jsonl"
_GROWTH = 1.05
_LINE = "a map of an embedding space"

Point = tuple[float, float]


class Move(NamedTuple):
  """A gradient ascent step from a seed, and the architecture decoded at its end point.

  Attributes:
    seed: trial id of the seed; None if the seed was a candidate of the same round.
    step: step size.
    decoded: the decoded architecture.
    is_proposal: whether the round proposed it; otherwise it is a candidate that other steps started from.
    places: positions on the map of the seed, of the end point, and of the decoded architecture.
  """

  seed: int | None
  step: float
  decoded: Architecture
  is_proposal: bool
  places: tuple[Point, Point, Point]


class EmbeddingMap(NamedTuple):
  """Embeddings of architectures, projected onto their first two principal components.

  Maps of different rounds have different axes.

  Attributes:
    asked_before: number of architectures asked for before the controller was trained, which identifies the round.
    shares: fractions of the variance explained by the two axes.
    trials: ids of trials and their positions.
    moves: steps that led to proposals of the round.
  """

  asked_before: int
  shares: tuple[float, float]
  trials: tuple[tuple[int, Point], ...]
  moves: tuple[Move, ...]


class EmbeddingMaps:
  """The file of a search, open for writing. The caller holds the lock of the directory.

  A map is kept if there are a twentieth more trials than at the last one. So the file grows with the logarithm of the
  number of trials.
  """

  def __init__(self, directory: str):
    """Opens the file of a directory, or starts one. A damaged file is set aside with a warning; see `SideFile`."""
    self._file = SideFile(os.path.join(directory, EMBEDDING_MAPS_FILE), _parsed, _LINE)
    self._last = max((map_.asked_before for map_ in self._file.rows), default=0)

  def add(self, map_: EmbeddingMap) -> None:
    """Records a map, unless it or one of about as many trials is recorded."""
    if map_.asked_before >= self._last * _GROWTH and map_.asked_before > self._last:
      self._last = map_.asked_before
      self._file.append(map_._asdict())

  def close(self) -> None:
    """Closes the file."""
    self._file.close()


def read_embedding_maps(directory: str) -> list[EmbeddingMap]:
  """Returns the maps of a search, the first one first; none if there is no file.

  Raises:
    ValueError: if the file is damaged; the message names the line.
  """
  path = os.path.join(directory, EMBEDDING_MAPS_FILE)
  maps = read_lines(path, _parsed, _LINE, allow_nan=False) if os.path.exists(path) else []
  latest = {map_.asked_before: map_ for map_ in maps}
  return [latest[number] for number in sorted(latest)]


def _parsed(value: Any) -> EmbeddingMap:
  row = fields.members(value, _LINE, EmbeddingMap._fields)
  return EmbeddingMap(
    fields.integer(row["asked_before"], "asked_before", 0),
    _pair(row["shares"], "shares"),
    tuple(map(_trial, fields.elements(row["trials"], "trials"))),
    tuple(map(_move, fields.elements(row["moves"], "moves"))),
  )


def _trial(value: Any) -> tuple[int, Point]:
  id_, place = fields.elements(value, "a trial of a map", 2)
  return fields.integer(id_, "id", 0), _pair(place, "place")


def _move(value: Any) -> Move:
  seed, step, decoded, is_proposal, places = fields.elements(value, "a move", len(Move._fields))
  first, second, third = (_pair(place, "place") for place in fields.elements(places, "places", 3))
  seed = None if seed is None else fields.integer(seed, "seed", 0)
  proposed = fields.boolean(is_proposal, "is_proposal")
  return Move(
    seed, fields.number(step, "step", 0), fields.integers(decoded, "decoded"), proposed, (first, second, third)
  )


def _pair(value: Sequence[Any], name: str) -> tuple[float, float]:
  first, second = fields.numbers_of(fields.elements(value, name, 2), name)
  return first, second
