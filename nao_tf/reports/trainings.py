"""The trainings of the winner: their curves, their figures on the test set, and links to their files."""

import dataclasses
import os
import urllib.parse
from collections.abc import Iterator, Sequence

from nao_tf.reports.charts import Chart, history_charts
from nao_tf.reports.markup import chart, escaped, figure
from nao_tf.training.base import Metrics
from nao_tf.training.history import HISTORY_FILE, TEST_FILE, read_history, read_test_figures

_BEST = "best"
_TRAININGS = "trainings"
_FILES = ("saved_model", HISTORY_FILE, TEST_FILE, "config.json")
_SEARCH_FILES = ("best.json", "trials.jsonl", "config.json", "rerank/trials.jsonl")


@dataclasses.dataclass(frozen=True)
class Training:
  """A training of the winner.

  Attributes:
    place: its directory in that of the search.
    history: metrics of its epochs.
    test: metrics on the test set; empty if it was not tested.
  """

  place: str
  history: Sequence[Metrics]
  test: Metrics


def read_trainings(directory: str) -> list[Training]:
  """Returns the trainings in the directory of a search that have at least one epoch.

  Raises:
    ValueError: if a file of one is corrupt.
  """
  found = [Training(place, read_history(path), read_test_figures(path)) for place, path in _places(directory)]
  return [training for training in found if training.history]


def training_charts(trainings: Sequence[Training]) -> dict[str, Chart]:
  """Returns the curves of all trainings."""
  return {
    key: value
    for number, training in enumerate(trainings)
    for key, value in history_charts(f"training_{number}", training.history).items()
  }


def training_sections(trainings: Sequence[Training], directory: str) -> str:
  """Returns the trainings with the places of their charts, and links to their files."""
  return "".join(_shown(number, training, directory) for number, training in enumerate(trainings))


def file_links(directory: str, files: Sequence[str] = _SEARCH_FILES, place: str = "") -> str:
  """Returns links to those files that there are."""
  paths = [os.path.join(place, name) for name in files]
  there = [path for path in paths if os.path.exists(os.path.join(directory, path))]
  return ", ".join(f'<a href="{escaped(urllib.parse.quote(path))}">{escaped(path)}</a>' for path in there)


def _places(directory: str) -> Iterator[tuple[str, str]]:
  parent = os.path.join(directory, _TRAININGS)
  names = sorted(os.listdir(parent)) if os.path.isdir(parent) else []
  for place in (_BEST, *(os.path.join(_TRAININGS, name) for name in names)):
    yield place, os.path.join(directory, place)


def _shown(number: int, training: Training, directory: str) -> str:
  last = {name: value for name, value in training.history[-1].items() if name not in ("epoch", "seconds")}
  parts = [f"After epoch {training.history[-1]['epoch']}: {_figures(last)}."]
  if training.test:
    parts.append(f"On the test set: <b>{_figures(training.test)}</b>.")
  charts = history_charts(f"training_{number}", training.history)
  places = "".join(chart(name, f"{value['y'].capitalize()} by epoch") for name, value in charts.items())
  links = file_links(directory, _FILES, training.place)
  head = f"<h3>{escaped(training.place)}</h3><p>{' '.join(parts)}</p>"
  return f'{head}<div class="grid">{places}</div><p>Files: {links}</p>'


def _figures(metrics: Metrics) -> str:
  return ", ".join(f"{escaped(name.replace('_', ' '))} {figure(value)}" for name, value in metrics.items())
