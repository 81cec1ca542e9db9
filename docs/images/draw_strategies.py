"""Draws curves of several benchmarks side by side: the mean of each strategy, with a band of one standard error.

Each panel is a table. A curve is a label, the work directory of `nao-benchmark-strategies`, and the strategy in it.

    python docs/images/draw_strategies.py strategies.json docs/images/strategies.png

where the first file has a list of panels, such as

    [{"title": "NAS-Bench-201", "from": 93.5, "to": 94.4, "curves": [["NAO", "runs/nao", "nao"]]}]
"""

import csv
import json
import os
import sys

import matplotlib.figure
import numpy as np

FIRST = 10


def read_curves(directory, strategy):
  """Returns the test accuracy of the incumbents, [num_searches, num_trials]; a search that ended keeps its last one."""
  rows = {}
  with open(os.path.join(directory, "curves.csv"), encoding="utf-8") as file:
    for row in csv.DictReader(file):
      if row["strategy"] == strategy:
        rows.setdefault(row["seed"], []).append(float(row["test"] or "nan"))
  longest = max(map(len, rows.values()))
  return np.array([curve + curve[-1:] * (longest - len(curve)) for curve in rows.values()])


def draw_panel(axes, panel):
  """Draws one table."""
  for label, directory, strategy in panel["curves"]:
    curves = read_curves(directory, strategy)
    queries = np.arange(1, curves.shape[1] + 1)[FIRST - 1 :]
    mean, error = curves.mean(0), curves.std(0, ddof=1) / np.sqrt(len(curves))
    mean, error = mean[FIRST - 1 :], error[FIRST - 1 :]
    (line,) = axes.plot(queries, mean, label=label, linewidth=2.6 if label.startswith("NAO") else 1.4)
    axes.fill_between(queries, mean - error, mean + error, color=line.get_color(), alpha=0.12, linewidth=0)
  axes.set(title=panel["title"], xlabel="evaluated architectures", ylabel="test accuracy of the best so far, %")
  axes.set(xscale="log", xlim=(FIRST, 500), ylim=(panel["from"], panel["to"]))
  ticks = [10, 20, 50, 100, 200, 500]
  axes.set_xticks(ticks, labels=[str(tick) for tick in ticks])
  axes.grid(alpha=0.3)
  axes.legend(loc="lower right", fontsize=9)


def main(panels_path, picture):
  """Draws all panels into one picture."""
  with open(panels_path, encoding="utf-8") as file:
    panels = json.load(file)
  figure = matplotlib.figure.Figure(figsize=(6.4 * len(panels), 4.6), layout="constrained")
  for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels):
    draw_panel(axes, panel)
  figure.savefig(picture, dpi=120)


if __name__ == "__main__":
  main(*sys.argv[1:])
