"""The embedding space of the controller as a map, with the moves along the gradient."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nao_tf.fields import counted
from nao_tf.reports.charts import Chart
from nao_tf.reports.markup import chart, details, figure, table
from nao_tf.reports.record import Record
from nao_tf.runs.embedding_maps import EmbeddingMap, Move, Point
from nao_tf.trial import Architecture, Trial, top_trials

_MOST_MAPS = 8
_DIGITS = 3
_NOTE = (
  "Each point is the embedding of an architecture, projected onto the first two principal components. A step moves an"
  " embedding along the gradient of the predicted score, and the decoder generates a new architecture from the end of the"
  " step. Further architectures are decoded around the candidates. Maps of different rounds have different axes, and"
  " distances along other components are not visible."
)

_Series = dict[str, Any]


def embedding_charts(record: Record) -> dict[str, Chart]:
  """Returns the chart of the maps, of which one is shown at a time; nothing if there is none."""
  maps = _some(record.maps)
  if not maps:
    return {}
  proposals = {trial.architecture: trial.id for trial in record.trials}
  series = [one for map_ in maps for one in _series(record, map_, proposals)]
  alt = {_name(map_): _alt(map_) for map_ in maps}
  words = {"x": "first principal component", "y": "second principal component", "choose": "Round", "shown": "reward"}
  return {"embedding": {**words, "series": series, "alt": alt}}


def embedding(record: Record) -> str:
  """Returns the place of the chart, and the moves of the latest map as a table."""
  if not record.maps:
    return ""
  latest, trials = record.maps[-1], record.by_id()
  asked = {trial.architecture: trial for trial in record.trials}
  rows = [_row(move, trials, asked) for move in latest.moves]
  heads = ("start", "reward of start", "step size", "result", "reward of result")
  caption = f"Moves in the latest map, trained after {latest.asked_before:,} proposals"
  moves = details(
    f"{counted(len(rows), 'move')} in the latest map", table(caption, heads, rows, numbers=(0, 1, 2, 3, 4))
  )
  return chart("embedding", "Embedding space of the controller, with the moves of one round", _NOTE) + moves


def _some(maps: Sequence[EmbeddingMap]) -> list[EmbeddingMap]:
  """Returns at most 8 maps, the first and the last one among them."""
  places = np.linspace(0, len(maps) - 1, min(len(maps), _MOST_MAPS)).round().astype(int)
  return [maps[place] for place in places]


def _series(record: Record, map_: EmbeddingMap, proposals: Mapping[Architecture, int]) -> list[_Series]:
  """Returns the series of a map: moves, then trials, ends of steps and proposals."""
  trials = record.by_id()
  known = [trials[id_] for id_, _ in map_.trials if id_ in trials]
  best = {trial.id for trial in top_trials(known, max(1, len(known) // 10))}
  first, second, third = ([move.places[n] for move in map_.moves] for n in range(3))
  proposed = [move for move in map_.moves if move.is_proposal]
  candidates = [move.places[2] for move in map_.moves if not move.is_proposal]
  group = _name(map_)
  series = [
    _lines(group, "gradient step", "moves", 3, first, second),
    _lines(group, "decoding", "dashed", 1, second, third),
    _trials(group, "trial", 0, [row for row in map_.trials if row[0] not in best]),
    _trials(group, "trial among the best 10%", 4, [row for row in map_.trials if row[0] in best]),
    _dots(group, "end of step", 3, second, texts=[_of_step(move) for move in map_.moves]),
    _dots(group, "candidate", 2, candidates, texts=["Candidate, decoded from again"] * len(candidates)),
    _dots(group, "proposal", 1, [m.places[2] for m in proposed], ids=[proposals.get(m.decoded, -1) for m in proposed]),
  ]
  return [one for one in series if one["x"]]


def _trials(group: str, name: str, color: int, rows: Sequence[tuple[int, Point]]) -> _Series:
  return _dots(group, name, color, [place for _, place in rows], ids=[id_ for id_, _ in rows])


def _dots(group: str, name: str, color: int, places: Sequence[Point], **more: Any) -> _Series:
  return {"group": group, "name": name, "style": "dots", "color": color, **_columns(places), **more}


def _lines(group: str, name: str, style: str, color: int, begins: Sequence[Point], ends: Sequence[Point]) -> _Series:
  """Returns lines: their points come in pairs."""
  places = [place for pair in zip(begins, ends) for place in pair]
  return {"group": group, "name": name, "style": style, "color": color, **_columns(places)}


def _columns(places: Sequence[Point]) -> dict[str, list[float]]:
  return {"x": [round(x, _DIGITS) for x, _ in places], "y": [round(y, _DIGITS) for _, y in places]}


def _name(map_: EmbeddingMap) -> str:
  return f"trained after {map_.asked_before:,} proposals: {sum(map_.shares):.0%} of the variance"


def _alt(map_: EmbeddingMap) -> str:
  seeds = len({move.seed for move in map_.moves if move.seed is not None})
  proposals = sum(move.is_proposal for move in map_.moves)
  moves = f"{counted(len(map_.moves), 'move')} {'leads' if len(map_.moves) == 1 else 'lead'}"
  return f"{counted(len(map_.trials), 'trial')}; {moves} from {seeds} of them to {counted(proposals, 'proposal')}"


def _of_step(move: Move) -> str:
  start = "a candidate" if move.seed is None else f"trial #{move.seed}"
  return f"Step of size {move.step:g} from {start}" if move.step else f"Decoded at {start} without a step"


def _row(move: Move, trials: Mapping[int, Trial], asked: Mapping[Architecture, Trial]) -> tuple[str, ...]:
  seed, proposal = trials.get(-1 if move.seed is None else move.seed), asked.get(move.decoded)
  return (
    "a candidate" if seed is None else f"#{seed.id}",
    figure(None if seed is None else seed.reward),
    f"{move.step:g}",
    f"#{proposal.id}" if proposal else "a proposal" if move.is_proposal else "a candidate",
    figure(None if proposal is None else proposal.reward),
  )
