"""Draws how published cells learn in a few epochs: a curve of validation accuracy for each network.

    python docs/images/draw_published_cells.py docs/results/data/published_cells.json docs/images/published_cells.png

The first file has a list of networks, each with its `validation_accuracy` after each epoch in percent.
"""

import json
import sys

import matplotlib.figure


def draw(axes, networks):
  """Draws the curve of each network."""
  for network in networks:
    accuracies = network["validation_accuracy"]
    label = f"{network['network']}, {network['parameters']:,} parameters"
    width = 2.6 if network["network"].startswith("NAO") else 1.4
    axes.plot(range(1, len(accuracies) + 1), accuracies, marker="o", markersize=4, linewidth=width, label=label)
  axes.set(xlabel="epoch", ylabel="validation accuracy, %")
  axes.grid(alpha=0.3)
  axes.legend(loc="lower right", fontsize=9)


def main(figures_path, picture):
  """Draws all networks into one picture."""
  with open(figures_path, encoding="utf-8") as file:
    figures = json.load(file)
  figure = matplotlib.figure.Figure(figsize=(6.4, 4.6), layout="constrained")
  draw(figure.subplots(), figures["networks"])
  figure.savefig(picture, dpi=120)


if __name__ == "__main__":
  main(*sys.argv[1:])
