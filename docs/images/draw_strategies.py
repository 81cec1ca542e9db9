"""Draws curves of several benchmarks side by side: the mean of each strategy, with a band of one standard error.

    python docs/images/draw_strategies.py docs/results/data/strategies.json docs/images/strategies.png

The file of figures is made from work directories of `nao-benchmark-strategies` by

    python docs/images/draw_strategies.py --collect panels.json docs/results/data/strategies.json

where the first file has a list of panels, each a table. A curve is a label, a work directory, and the strategy in it:

    [{"title": "NAS-Bench-201", "from": 93.5, "to": 94.4, "curves": [["NAO", "runs/nao", "nao"]]}]

Curves of NAO are drawn thick, those whose label ends in "*" are in the figures and not in the picture.
"""

import csv
import itertools
import json
import os
import sys

import matplotlib.figure
import numpy as np

FIRST, LAST = 10, 500
HIDDEN = "*"
COLORS = (*(f"C{number}" for number in range(10)), "black")


def read_curves(directory, strategy):
  """Returns the changes of the incumbent's test accuracy by seed, [query, accuracy] each, and the number of queries."""
  changes, queries = {}, 0
  with open(os.path.join(directory, "curves.csv"), encoding="utf-8") as file:
    for row in csv.DictReader(file):
      if row["strategy"] == strategy:
        query, accuracy = int(row["query"]), float(row["test"] or "nan")
        known = changes.setdefault(row["seed"], [])
        if not known or known[-1][1] != accuracy:
          known.append([query, accuracy])
        queries = max(queries, query)
  return {"queries": queries, "searches": changes}


def collect(panels_path, figures_path):
  """Writes the figures of all panels into one file."""
  with open(panels_path, encoding="utf-8") as file:
    panels = json.load(file)
  for panel in panels:
    curves = panel["curves"]
    panel["curves"] = [{"label": label, **read_curves(directory, strategy)} for label, directory, strategy in curves]
  with open(figures_path, "w", encoding="utf-8") as file:
    json.dump(panels, file, separators=(",", ":"))
    file.write("\n")


def accuracies(curve):
  """Returns the incumbents' test accuracies, [num_searches, num_queries]; a search that ended keeps its last one."""
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


def draw_panel(axes, panel, colors):
  """Draws one table."""
  for curve in shown(panel):
    values = accuracies(curve)
    mean, error = values.mean(0)[FIRST - 1 :], values.std(0, ddof=1)[FIRST - 1 :] / np.sqrt(len(values))
    queries, color = np.arange(FIRST, values.shape[1] + 1), colors[strategy_of(curve)]
    width = 2.6 if curve["label"].startswith("NAO") else 1.4
    axes.plot(queries, mean, label=curve["label"], color=color, linewidth=width)
    axes.fill_between(queries, mean - error, mean + error, color=color, alpha=0.12, linewidth=0)
  axes.set(title=panel["title"], xlabel="evaluated architectures", ylabel="test accuracy of the best so far, %")
  axes.set(xscale="log", xlim=(FIRST, LAST), ylim=(panel["from"], panel["to"]))
  ticks = [10, 20, 50, 100, 200, 500]
  axes.set_xticks(ticks, labels=[str(tick) for tick in ticks])
  axes.grid(alpha=0.3)
  axes.legend(loc="lower right", fontsize=8)


def main(figures_path, picture):
  """Draws all panels into one picture."""
  with open(figures_path, encoding="utf-8") as file:
    panels = json.load(file)
  names = list(dict.fromkeys(strategy_of(curve) for panel in panels for curve in shown(panel)))
  colors = dict(zip(names, itertools.cycle(COLORS)))
  figure = matplotlib.figure.Figure(figsize=(6.4 * len(panels), 4.8), layout="constrained")
  for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels):
    draw_panel(axes, panel, colors)
  figure.savefig(picture, dpi=120)


if __name__ == "__main__":
  if sys.argv[1] == "--collect":
    collect(*sys.argv[2:])
  else:
    main(*sys.argv[1:])
