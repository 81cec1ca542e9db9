"""Draws the cells of docs/gallery.md: those that were found here, and all published ones.

Example:
  python docs/images/draw_gallery.py
"""

import pathlib
import re

import nao_tf
from nao_tf.spaces.genotypes import CellGenotype
from nao_tf.spaces.nasbench101 import GraphGenotype
from nao_tf.spaces.published import CELLS, RECURRENT_CELLS

IMAGES = pathlib.Path(__file__).parent

DIGITS = CellGenotype.from_json(
  {
    "normal": [
      [["max3x3", 0], ["max3x3", 0]],
      [["avg3x3", 1], ["sep3x3", 0]],
      [["avg3x3", 1], ["avg3x3", 1]],
      [["sep3x3", 4], ["sep5x5", 1]],
      [["sep3x3", 0], ["avg3x3", 2]],
    ],
    "reduction": [
      [["avg3x3", 1], ["sep3x3", 0]],
      [["sep3x3", 2], ["sep5x5", 1]],
      [["sep3x3", 0], ["avg3x3", 2]],
      [["sep3x3", 0], ["max3x3", 0]],
      [["sep3x3", 5], ["avg3x3", 2]],
    ],
  }
)
"""What `make search` found."""

NASBENCH201 = nao_tf.make_space("nasbench201").decode((3, 3, 3, 1, 3, 2))
"""The best cell of the table on CIFAR-10, row 6111."""

NASBENCH101 = GraphGenotype(
  matrix=(
    (0, 1, 1, 0, 1, 0, 1),
    (0, 0, 0, 0, 0, 1, 0),
    (0, 0, 0, 1, 0, 0, 0),
    (0, 0, 0, 0, 1, 0, 0),
    (0, 0, 0, 0, 0, 1, 0),
    (0, 0, 0, 0, 0, 0, 1),
    (0, 0, 0, 0, 0, 0, 0),
  ),
  operations=("input", *4 * ("conv3x3-bn-relu",), "conv1x1-bn-relu", "output"),
)
"""The best cell of the table."""

FOUND = {"found_cell": DIGITS, "gallery/nasbench201": NASBENCH201, "gallery/nasbench101": NASBENCH101}


def pictures() -> dict[str, str]:
  """Returns the text of each picture, by its path from docs/images without the suffix."""
  published = {path_of(name): nao_tf.draw(name).svg for name in (*CELLS, *RECURRENT_CELLS)}
  return {**{path: nao_tf.draw(genotype).svg for path, genotype in FOUND.items()}, **published}


def path_of(name: str) -> str:
  """Returns the path of the picture of a published cell. One of them is in a guide, too."""
  slug = re.sub(r"\W", "_", name.lower())
  return slug if name == "AmoebaNet-B" else f"gallery/{slug}"


def main() -> None:
  """Writes the pictures."""
  (IMAGES / "gallery").mkdir(exist_ok=True)
  for path, svg in pictures().items():
    (IMAGES / f"{path}.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
  main()
