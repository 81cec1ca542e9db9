"""Draws the test accuracy of published and random cells: a point for each training, a bar for mean and error.

    python docs/images/draw_full_recipe.py docs/results/data/full_recipe.json docs/images/full_recipe.png

The first file has a list of networks, each with its `test_accuracy` by seed in percent, and its `train_loss` by seed and
epoch.
"""

import json
import sys

import matplotlib.figure
import numpy as np


def _color(network):
  return "tab:gray" if network["network"].startswith("random") else "tab:blue"


def draw_accuracies(axes, networks):
  """Draws the test accuracies of each network, the best one on top."""
  ordered = sorted(networks, key=lambda network: np.mean(network["test_accuracy"]))
  for row, network in enumerate(ordered):
    accuracies = np.array(network["test_accuracy"])
    error = accuracies.std(ddof=1) / len(accuracies) ** 0.5
    axes.errorbar(accuracies.mean(), row, xerr=error, fmt="|", color="black", capsize=4)
    axes.plot(accuracies, np.full(len(accuracies), row), "o", color=_color(network), alpha=0.7)
  axes.set_yticks(range(len(ordered)), [network["network"] for network in ordered])
  axes.set(xlabel="test accuracy, % (points: seeds; bars: mean and standard error)")
  axes.grid(alpha=0.3, axis="x")


def draw_losses(axes, networks):
  """Draws the mean training loss of each network after each epoch."""
  for network in networks:
    losses = np.mean(network["train_loss"], axis=0)
    style = "--" if network["network"].startswith("random") else "-"
    axes.plot(range(1, len(losses) + 1), losses, style, marker="o", markersize=4, label=network["network"])
  axes.set(xlabel="epoch", ylabel="training loss with auxiliary head", xticks=range(1, len(losses) + 1))
  axes.grid(alpha=0.3)
  axes.legend(fontsize=9)


def main(figures_path, picture):
  """Draws both into one picture."""
  with open(figures_path, encoding="utf-8") as file:
    networks = json.load(file)["networks"]
  figure = matplotlib.figure.Figure(figsize=(10, 4), layout="constrained")
  left, right = figure.subplots(1, 2)
  draw_accuracies(left, networks)
  draw_losses(right, networks)
  figure.savefig(picture, dpi=120)


if __name__ == "__main__":
  main(*sys.argv[1:])
