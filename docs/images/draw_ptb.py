"""Draws the validation perplexity of language models after each epoch.

    python docs/images/draw_ptb.py docs/results/data/ptb_200_units.json docs/images/ptb_200_units.png

The first file has a list of networks, each with its `valid_perplexity` by epoch.
"""

import json
import sys

import matplotlib.figure


def main(figures_path, picture):
  """Draws a curve for each network."""
  with open(figures_path, encoding="utf-8") as file:
    networks = json.load(file)["networks"]
  figure = matplotlib.figure.Figure(figsize=(7, 4), layout="constrained")
  axes = figure.subplots()
  for network in networks:
    values = network["valid_perplexity"]
    label = f"{network['network']}, {network['units']} units: {values[-1]:.2f}"
    axes.plot(range(1, len(values) + 1), values, marker="o", markersize=3, label=label)
  axes.set(xlabel="epoch", ylabel="validation perplexity", xticks=range(0, len(values) + 1, 2), ylim=(80, 160))
  axes.grid(alpha=0.3)
  axes.legend()
  figure.savefig(picture, dpi=120)


if __name__ == "__main__":
  main(*sys.argv[1:])
