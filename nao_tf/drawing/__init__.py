"""Drawing: cells as pictures, in SVG or of pixels, in which every arrow can be followed."""

import dataclasses
import os

from nao_tf.drawing.graphs import DrawableGenotype, graphs_of, is_drawable

__all__ = ["Drawing", "draw_genotype", "draw_png", "is_drawable"]


@dataclasses.dataclass(frozen=True)
class Drawing:
  """A picture of the cells of a genotype. A notebook shows it.

  Attributes:
    svg: the text of an SVG file.
  """

  svg: str

  def _repr_svg_(self) -> str:
    """Returns the picture, for notebooks."""
    return self.svg

  def save(self, path: str | os.PathLike[str]) -> None:
    """Writes the picture to a file.

    Args:
      path: of the file, whose name ends with .svg. A file there is replaced, by a whole one.

    Raises:
      ValueError: if the name ends differently.
      OSError: if it cannot be written.
    """
    path = os.fspath(path)
    if not path.lower().endswith(".svg"):
      raise ValueError(f"{path}: expected the name of a file that ends with .svg")
    directory = os.path.dirname(path) or "."
    if not os.path.isdir(directory):
      raise FileNotFoundError(f"{path}: there is no directory {directory}")
    with open(f"{path}.tmp", "w", encoding="utf-8") as file:
      file.write(self.svg)
    os.replace(f"{path}.tmp", path)


def draw_genotype(genotype: DrawableGenotype) -> Drawing:
  """Draws the cells of a genotype: normal and reduction cell side by side, a recurrent cell, or the cell of a benchmark.

  Raises:
    ValueError: if it is not a genotype that can be drawn.
  """
  from nao_tf.drawing.svg import draw_svg  # SciPy, which lays cells out, is imported when there is one to draw.

  return Drawing(draw_svg(graphs_of(genotype)))


def draw_png(genotype: DrawableGenotype, title: str = "") -> tuple[bytes, int, int]:
  """Draws the cells of a genotype as `draw_genotype` does, as a picture of pixels on a light page.

  Args:
    genotype: to draw.
    title: a line above the cells.

  Returns:
    The content of a PNG file, its width and its height.

  Raises:
    ValueError: if it is not a genotype that can be drawn.
  """
  from nao_tf.drawing import png  # Matplotlib is imported when there is something to draw with it.

  return png.draw_png(graphs_of(genotype), title)
