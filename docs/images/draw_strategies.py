"""Draws curves of several benchmarks side by side: the mean of each strategy, with a band of one standard error.

    python docs/images/draw_strategies.py docs/results/data/strategies.json docs/images/strategies.png

Figures are added to the file from work directories of `nao-benchmark-strategies` by

    python docs/images/draw_strategies.py --collect panels.json docs/results/data/strategies.json

where the first file has a list of panels, each a table. A curve is a label, a work directory, and the strategy in it:

    [{"title": "NAS-Bench-201", "from": 93.5, "to": 94.4, "curves": [["NAO", "runs/nao", "nao"]]}]

A panel has the test accuracy of the incumbent. One with the reward of the best architecture as its "best" has no test
accuracy; it has the regret of the incumbent, and is small. Curves of NAO are drawn thick, and those of its variants dashed.
Those whose label ends in "*" are in the figures and not in the picture.
"""

import csv
import itertools
import json
import os
import sys

import matplotlib.figure
import numpy as np

FIRST, LAST, LAST_SMALL = 10, 500, 100
TICKS = (10, 20, 50, 100, 200, 500)
SMALL_IN_ROW = 4
HIDDEN = "*"
COLORS = (*(f"C{number}" for number in range(10)), "black", "darkgreen")


def read_curves(directory, strategy, column):
  """Returns the changes of the incumbent's figure by seed, [query, figure] each, and the number of queries."""
  changes, queries = {}, 0
  with open(os.path.join(directory, "curves.csv"), encoding="utf-8") as file:
    for row in csv.DictReader(file):
      if row["strategy"] == strategy:
        query, figure = int(row["query"]), float(row[column])
        known = changes.setdefault(row["seed"], [])
        if not known or known[-1][1] != figure:
          known.append([query, figure])
        queries = max(queries, query)
  return {"queries": queries, "searches": changes}


def collect(panels_path, figures_path):
  """Adds the figures of panels to a file. Panels of the same title are replaced, others stay."""
  panels = read_json(panels_path)
  for panel in panels:
    curves, column = panel["curves"], "objective" if "best" in panel else "test"
    panel["curves"] = [{"label": label, **read_curves(*source, column)} for label, *source in curves]
  known = read_json(figures_path) if os.path.exists(figures_path) else []
  merged = {panel["title"]: panel for panel in [*known, *panels]}
  with open(figures_path, "w", encoding="utf-8") as file:
    json.dump(list(merged.values()), file, separators=(",", ":"))
    file.write("\n")


def read_json(path):
  """Returns what a file has."""
  with open(path, encoding="utf-8") as file:
    return json.load(file)


def figures_of(curve):
  """Returns the incumbents' figures, [num_searches, num_queries]; a search that ended keeps its last one."""
  queries = np.arange(1, curve["queries"] + 1)
  rows = []
  for changes in curve["searches"].values():
    places, values = np.transpose(changes)
    rows.append(values[np.maximum(np.searchsorted(places, queries, "right") - 1, 0)])
  return np.array(rows)


def strategy_of(curve):
  """Returns the name of a curve's strategy, which has one color in all panels."""
  return curve["label"].split(",")[0]


def shown(panel):
  """Returns the curves of a panel that are drawn."""
  return [curve for curve in panel["curves"] if not curve["label"].endswith(HIDDEN)]


def draw_curves(axes, panel, colors):
  """Draws the mean of each strategy, with a band of one standard error."""
  for curve in shown(panel):
    values = figures_of(curve)[:, FIRST - 1 :]
    values = panel["best"] - values if "best" in panel else values
    mean, error = values.mean(0), values.std(0, ddof=1) / np.sqrt(len(values))
    queries, color = np.arange(FIRST, FIRST + len(mean)), colors[strategy_of(curve)]
    width = 2.6 if curve["label"].startswith("NAO") else 1.4
    style = "--" if curve["label"].startswith("NAO,") else "-"
    axes.plot(queries, mean, label=curve["label"], color=color, linewidth=width, linestyle=style)
    axes.fill_between(queries, mean - error, mean + error, color=color, alpha=0.12, linewidth=0)


def draw_table(axes, panel, colors):
  """Draws the test accuracies of one table."""
  draw_curves(axes, panel, colors)
  axes.set(title=panel["title"], xlabel="evaluated architectures", ylabel="test accuracy of the best so far, %")
  axes.set(xscale="log", xlim=(FIRST, LAST), ylim=(panel["from"], panel["to"]))
  axes.set_xticks(TICKS, labels=[str(tick) for tick in TICKS])
  axes.grid(alpha=0.3)
  axes.legend(loc="lower right", fontsize=8)


def draw_small(axes, panel, colors):
  """Draws the regrets of one synthetic space."""
  draw_curves(axes, panel, colors)
  axes.set_title(panel["title"], fontsize=10)
  axes.set(xscale="log", xlim=(FIRST, LAST_SMALL), ylim=(0, panel["to"]))
  ticks = [tick for tick in TICKS if tick <= LAST_SMALL]
  axes.set_xticks(ticks, labels=[str(tick) for tick in ticks])
  axes.grid(alpha=0.3)
  axes.tick_params(labelsize=8)


def draw_all_small(figure, panels, colors):
  """Draws the synthetic spaces in rows, with one legend for all."""
  num_rows = -(-len(panels) // SMALL_IN_ROW)
  grid = figure.subplots(num_rows, SMALL_IN_ROW, squeeze=False)
  for axes, panel in itertools.zip_longest(grid.flat, panels):
    if panel is None:
      axes.set_axis_off()
    else:
      draw_small(axes, panel, colors)
  figure.supxlabel("evaluated architectures", fontsize=10)
  figure.supylabel("regret of the best so far", fontsize=10)
  lines = {label: line for axes in grid.flat for line, label in zip(*axes.get_legend_handles_labels())}
  figure.legend(lines.values(), lines, loc="outside upper center", ncols=4, fontsize=8)


def main(figures_path, picture):
  """Draws all panels into one picture."""
  panels = read_json(figures_path)
  names = list(dict.fromkeys(strategy_of(curve) for panel in panels for curve in shown(panel)))
  colors = dict(zip(names, itertools.cycle(COLORS)))
  small = [panel for panel in panels if "best" in panel]
  large = [panel for panel in panels if "best" not in panel]
  heights = [4.8, 0.8 + 2.2 * -(-len(small) // SMALL_IN_ROW)]
  figure = matplotlib.figure.Figure(figsize=(12.8, sum(heights)), layout="constrained")
  top, bottom = figure.subfigures(2, 1, height_ratios=heights)
  for axes, panel in zip(top.subplots(1, len(large), squeeze=False)[0], large):
    draw_table(axes, panel, colors)
  draw_all_small(bottom, small, colors)
  figure.savefig(picture, dpi=120)


if __name__ == "__main__":
  if sys.argv[1] == "--collect":
    collect(*sys.argv[2:])
  else:
    main(*sys.argv[1:])
