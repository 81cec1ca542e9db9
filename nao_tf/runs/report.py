"""Reports of searches: the curve of the rewards, drawings of the best cells, and a page with both.

The page is one self-contained HTML file.
"""

import base64
import html
import io
import os
from collections.abc import Sequence

import matplotlib.axes
import matplotlib.figure
import numpy as np

from nao_tf.spaces.base import SearchSpace
from nao_tf.spaces.genotypes import NUM_CELL_INPUTS, Cell, CellGenotype, RecurrentGenotype
from nao_tf.trial import RANDOM, Trial, best_trial, top_trials

REPORT_FILE = "report.html"
_INPUT_NAMES = ("cell k-2", "cell k-1")
_COLORS = {"conv": "#2b6cb0", "sep": "#2f855a", "dil": "#2c7a7b", "max": "#c05621", "avg": "#b7791f", "min": "#97266d"}
_ACTIVATION_COLORS = {"tanh": "#2b6cb0", "relu": "#2f855a", "sigmoid": "#c05621", "identity": "#4a5568"}
_BRANCH_GAP = 0.055

_Place = tuple[float, float]
"""Position (x, y) in a drawing."""


def search_curve(trials: Sequence[Trial]) -> matplotlib.figure.Figure:
  """Draws the reward of each trial and the best reward so far. Failed trials are crosses at the bottom."""
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


def draw_cell(cell: Cell, title: str = "") -> matplotlib.figure.Figure:
  """Draws a cell: states in gray, in front of each node its operations, and arrows from what the output concatenates."""
  places = _places(cell)
  figure, axes = _canvas(2.6 * (1 + places[-1][0]), title)
  for target, node in enumerate(cell.nodes, start=NUM_CELL_INPUTS):
    for side, branch in zip((_BRANCH_GAP, -_BRANCH_GAP), node):
      _draw_branch(axes, branch.operation, places[branch.source], places[target], side)
  for source in cell.concatenated:
    _arrow(axes, places[source], places[-1], "#718096", dashed=True)
  for name, place in zip((*_INPUT_NAMES, *("+" for _ in cell.nodes), "concat"), places):
    _box(axes, name, place, "#edf2f7", "black")
  axes.set(xlim=(-0.4, places[-1][0] + 0.4), ylim=(0, 1))
  return figure


def draw_recurrent_cell(genotype: RecurrentGenotype) -> matplotlib.figure.Figure:
  """Draws a recurrent cell: the tree of its nodes, each with its number and activation."""
  depth = [0]
  for node in genotype.nodes:
    depth.append(1 + depth[node.predecessor])
  places = [(column, _height(depth, index)) for index, column in enumerate(depth)]
  figure, axes = _canvas(1.8 * (1 + max(depth)), "recurrent cell")
  _box(axes, "input, output before\n0 tanh", places[0], "#edf2f7", "black")
  for number, node in enumerate(genotype.nodes, start=1):
    color = _ACTIVATION_COLORS[node.activation]
    _arrow(axes, places[node.predecessor], places[number], color)
    _box(axes, f"{number} {node.activation}", places[number], color, "white")
  axes.set(xlim=(-0.4, max(depth) + 0.4), ylim=(0, 1.1))
  return figure


def draw_genotype(genotype: CellGenotype | RecurrentGenotype) -> dict[str, matplotlib.figure.Figure]:
  """Draws the cells of a genotype and returns the drawings by the name of the cell."""
  if isinstance(genotype, RecurrentGenotype):
    return {"recurrent": draw_recurrent_cell(genotype)}
  return {
    "normal": draw_cell(genotype.normal, "normal cell"),
    "reduction": draw_cell(genotype.reduction, "reduction cell"),
  }


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
  figures = [search_curve(trials)]
  if best and isinstance(genotype := space.decode(best.architecture), CellGenotype | RecurrentGenotype):
    figures += draw_genotype(genotype).values()
  path = os.path.join(directory, REPORT_FILE)
  with open(f"{path}.tmp", "w", encoding="utf-8") as file:
    file.write(_page(trials, space, figures, reranked))
  os.replace(f"{path}.tmp", path)
  return path


def _page(
  trials: Sequence[Trial],
  space: SearchSpace,
  figures: Sequence[matplotlib.figure.Figure],
  reranked: Sequence[Trial],
) -> str:
  scored = [trial for trial in trials if trial.reward is not None]
  tables = _table("Best trials", scored, space)
  if reranked:
    tables = _table("Trained from scratch", [trial for trial in reranked if trial.reward is not None], space) + tables
  images = "".join(f'<p><img src="data:image/png;base64,{_png(figure)}"></p>' for figure in figures)
  return (
    '<!doctype html><meta charset="utf-8"><title>Architecture search</title>'
    "<style>body{font:15px sans-serif;margin:2em;max-width:70em}img{max-width:100%}td,th{padding:.2em .8em;"
    "text-align:left}code{font-size:13px}</style>"
    f"<h1>Search in {html.escape(space.name)}</h1><p>{len(trials)} trials, {len(trials) - len(scored)} without a"
    f" reward.</p>{images}{tables}\n"
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


def _canvas(width: float, title: str) -> tuple[matplotlib.figure.Figure, matplotlib.axes.Axes]:
  """Returns a figure of a width in inches, and what to draw on, without axis lines."""
  figure = matplotlib.figure.Figure(figsize=(width, 4.5), layout="constrained")
  axes = figure.subplots()
  axes.set_axis_off()
  axes.set_title(title)
  return figure, axes


def _places(cell: Cell) -> list[_Place]:
  """Returns the position of each state and of the output.

  x is the length of the longest path from an input. States with the same x are spread evenly along y.
  """
  depth = [0] * NUM_CELL_INPUTS
  for node in cell.nodes:
    depth.append(1 + max(depth[branch.source] for branch in node))
  depth.append(1 + max(depth))
  return [(column, _height(depth, index)) for index, column in enumerate(depth)]


def _height(depth: Sequence[int], index: int) -> float:
  same = [i for i, column in enumerate(depth) if column == depth[index]]
  shift = 0.06 * (depth[index] % 2)  # Neighboring columns are shifted so that arrows do not run through boxes.
  return (same.index(index) + 1) / (len(same) + 1) + shift


def _draw_branch(axes: matplotlib.axes.Axes, operation: str, source: _Place, target: _Place, side: float) -> None:
  color = next((color for prefix, color in _COLORS.items() if operation.startswith(prefix)), "#4a5568")
  middle = (target[0] - 0.38, target[1] + side)
  _arrow(axes, source, middle, color)
  _arrow(axes, middle, target, color)
  _box(axes, operation, middle, color, "white")


def _box(axes: matplotlib.axes.Axes, text: str, place: _Place, face: str, ink: str) -> None:
  box = {"boxstyle": "round,pad=.4", "facecolor": face, "edgecolor": "#4a5568"}
  axes.annotate(text, place, ha="center", va="center", fontsize=8, color=ink, bbox=box, zorder=5)


def _arrow(axes: matplotlib.axes.Axes, start: _Place, end: _Place, color: str, *, dashed: bool = False) -> None:
  style = {"arrowstyle": "-|>", "color": color, "shrinkA": 10, "shrinkB": 12, "linestyle": ":" if dashed else "-"}
  axes.annotate("", end, start, arrowprops=style)
