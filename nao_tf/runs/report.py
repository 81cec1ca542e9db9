"""Reports of searches: the curve of the rewards, drawings of the best cells, and a page with both.

The page is one self-contained HTML file.
"""

from __future__ import annotations

import base64
import html
import io
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from nao_tf.spaces.base import SearchSpace
from nao_tf.trial import RANDOM, Trial, best_trial, top_trials

if TYPE_CHECKING:
  import matplotlib.axes
  import matplotlib.figure

REPORT_FILE = "report.html"


def search_curve(trials: Sequence[Trial]) -> matplotlib.figure.Figure:
  """Draws the reward of each trial and the best reward so far. Failed trials are crosses at the bottom."""
  import matplotlib.figure

  figure = matplotlib.figure.Figure(figsize=(8, 3.5), layout="constrained")
  axes = figure.subplots()
  _draw_rewards(axes, trials)
  failed = [trial.id for trial in trials if trial.evaluation and trial.reward is None]
  if failed:
    axes.plot(failed, [0.02] * len(failed), "kx", transform=axes.get_xaxis_transform(), label="failed")
  axes.set(xlabel="trial", ylabel="reward")
  axes.legend(loc="lower right", fontsize=8)
  return figure


def _draw_rewards(axes: matplotlib.axes.Axes, trials: Sequence[Trial]) -> None:
  scored = [(trial.id, trial.reward, trial.origin.kind) for trial in trials if trial.reward is not None]
  if not scored:
    return
  ids, rewards = np.array([id_ for id_, _, _ in scored]), np.array([reward for _, reward, _ in scored])
  is_random = np.array([kind == RANDOM.kind for _, _, kind in scored])
  for mask, color, label in ((is_random, "#a0aec0", "random"), (~is_random, "#2b6cb0", "proposed")):
    axes.scatter(ids[mask], rewards[mask], s=14, color=color, label=label)
  axes.step(ids, np.maximum.accumulate(rewards), where="post", color="#c53030", label="best so far")


def write_report(directory: str, trials: Sequence[Trial], space: SearchSpace, reranked: Sequence[Trial] = ()) -> str:
  """Writes the page about a search.

  Args:
    directory: directory of the page, `report.html`.
    trials: trials of the search.
    space: space of the search.
    reranked: best trials after a second, more expensive evaluation, if there was one. The best of these is drawn.

  Returns:
    The path of the page.
  """
  best = best_trial(reranked or trials)
  drawing = _drawing(space.decode(best.architecture)) if best else ""
  path = os.path.join(directory, REPORT_FILE)
  with open(f"{path}.tmp", "w", encoding="utf-8") as file:
    file.write(_page(trials, space, drawing, reranked))
  os.replace(f"{path}.tmp", path)
  return path


def _drawing(genotype: object) -> str:
  """Returns a picture for the page, or why there is none; nothing for a genotype that is no cell."""
  from nao_tf.drawing import draw_genotype, is_drawable

  if not is_drawable(genotype):
    return ""
  try:
    return draw_genotype(genotype).svg
  except ValueError as error:
    return f"The best cell is not drawn: {html.escape(str(error))}"


def _page(
  trials: Sequence[Trial],
  space: SearchSpace,
  drawing: str,
  reranked: Sequence[Trial],
) -> str:
  scored = [trial for trial in trials if trial.reward is not None]
  tables = _table("Best trials", scored, space)
  if reranked:
    tables = _table("Trained from scratch", [trial for trial in reranked if trial.reward is not None], space) + tables
  curve = f'<p><img alt="Rewards of the trials" src="data:image/png;base64,{_png(search_curve(trials))}"></p>'
  return (
    '<!doctype html><meta charset="utf-8"><title>Architecture search</title>'
    "<style>body{font:15px sans-serif;margin:2em;max-width:70em}img,svg{max-width:100%;height:auto}td,th{padding:.2em .8em;"
    "text-align:left}code{font-size:13px}</style>"
    f"<h1>Search in {html.escape(space.name)}</h1><p>{len(trials)} trials, {len(trials) - len(scored)} without a"
    f" reward.</p>{curve}<p>{drawing}</p>{tables}\n"
  )


def _table(title: str, scored: list[Trial], space: SearchSpace) -> str:
  rows = "".join(_row(trial, space) for trial in top_trials(scored, 10))
  return f"<h2>{title}</h2><table><tr><th>reward<th>trial<th>origin<th>architecture</tr>{rows}</table>"


def _row(trial: Trial, space: SearchSpace) -> str:
  texts = (str(trial.id), str(trial.origin), space.format(trial.architecture))
  id_, origin, architecture = (html.escape(text) for text in texts)
  return f"<tr><td>{trial.reward:.5g}<td>{id_}<td>{origin}<td><code>{architecture}</code></tr>"


def _png(figure: matplotlib.figure.Figure) -> str:
  data = io.BytesIO()
  figure.savefig(data, format="png", dpi=110)
  return base64.b64encode(data.getvalue()).decode()
