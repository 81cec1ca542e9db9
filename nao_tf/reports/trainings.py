"""The trainings of the winner: their curves, their figures on the test set, and links to their files."""

import os
import urllib.parse
from collections.abc import Sequence

from nao_tf.reports.charts import Chart, history_charts
from nao_tf.reports.markup import chart, escaped, figure
from nao_tf.reports.training_records import Training
from nao_tf.training.base import Metrics
from nao_tf.training.history import HISTORY_FILE, TEST_FILE

_FILES = ("saved_model", "saved_model/assets/genotype.json", HISTORY_FILE, TEST_FILE, "config.json")
_EXPORTS = (".keras", ".tflite")
_SEARCH_FILES = ("best.json", "trials.jsonl", "config.json", "rerank/trials.jsonl")


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


def _shown(number: int, training: Training, directory: str) -> str:
  last = {name: value for name, value in training.history[-1].items() if name not in ("epoch", "seconds")}
  parts = [f"After epoch {training.history[-1]['epoch']}: {_figures(last)}."]
  if training.test:
    parts.append(f"On the test set: <b>{_figures(training.test)}</b>.")
  charts = history_charts(f"training_{number}", training.history)
  places = "".join(chart(name, f"{value['y'].capitalize()} by epoch") for name, value in charts.items())
  links = file_links(directory, (*_FILES, *_exports(os.path.join(directory, training.place))), training.place)
  head = f"<h3>{escaped(training.place)}</h3><p>{' '.join(parts)}</p>"
  return f'{head}<div class="grid">{places}</div><p>Files: {links}</p>'


def _exports(directory: str) -> list[str]:
  """Returns the names of the files for Keras and TensorFlow Lite in the directory of a training."""
  names = sorted(os.listdir(directory)) if os.path.isdir(directory) else []
  return [name for name in names if name.endswith(_EXPORTS)]


def _figures(metrics: Metrics) -> str:
  return ", ".join(f"{escaped(name.replace('_', ' '))} {figure(value)}" for name, value in metrics.items())
