"""Draws how good the cells are that one-shot searches name: a dot for each seed, the mean and its standard error.

    python docs/images/draw_one_shot.py docs/results/data docs/images/one_shot.png

The directory has `one_shot_nasbench201.json`, `one_shot_cifar10.json` and `one_shot_ptb.json`, each with the figures of
each system by seed. A file that is absent has no panel.
"""

import json
import os
import sys

import matplotlib.figure
import numpy as np

PANELS = (
  ("one_shot_nasbench201.json", "NAS-Bench-201: looked up", "test accuracy, %"),
  ("one_shot_cifar10.json", "CIFAR-10 at 16 x 16: trained from scratch", "test accuracy, %"),
  ("one_shot_ptb.json", "Penn Treebank: trained from scratch", "test perplexity"),
)


def draw_panel(axes, figures):
  """Draws one comparison."""
  names = list(figures["systems"])
  for place, name in enumerate(names):
    values = np.array([row["test"] for row in figures["systems"][name]])
    is_random = name.startswith("random cell")
    color = "tab:gray" if is_random else "tab:blue"
    axes.plot(values, [place] * len(values), "o", color=color, alpha=0.45, markersize=5, markeredgewidth=0)
    if len(values) > 1:
      error = values.std(ddof=1) / np.sqrt(len(values))
      axes.errorbar(values.mean(), place, xerr=error, fmt="D", color=color, markersize=5, capsize=4)
  if "mean_of_all_cells" in figures:
    axes.axvline(figures["mean_of_all_cells"], color="tab:gray", linestyle="--", linewidth=1)
    axes.axvline(figures["median_of_all_cells"], color="tab:gray", linestyle=":", linewidth=1)
  axes.set_yticks(range(len(names)), labels=names)
  axes.invert_yaxis()
  axes.grid(alpha=0.3, axis="x")


def main(directory, picture):
  """Draws all comparisons into one picture."""
  found = [panel for panel in PANELS if os.path.exists(os.path.join(directory, panel[0]))]
  figure = matplotlib.figure.Figure(figsize=(5.4 * len(found), 3.6), layout="constrained")
  for axes, (name, title, label) in zip(figure.subplots(1, len(found), squeeze=False)[0], found):
    with open(os.path.join(directory, name), encoding="utf-8") as file:
      draw_panel(axes, json.load(file))
    axes.set(title=title, xlabel=label)
  figure.savefig(picture, dpi=120)


if __name__ == "__main__":
  main(*sys.argv[1:])
