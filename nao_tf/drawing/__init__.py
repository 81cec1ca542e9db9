"""Draws the cells of architectures as SVG or PNG images."""

import dataclasses
import os

from nao_tf.drawing.graphs import DrawableGenotype, graphs_of, is_drawable

__all__ = ["Drawing", "draw_genotype", "draw_png", "is_drawable"]


@dataclasses.dataclass(frozen=True)
class Drawing:
  """An SVG image of the cells of a genotype, which notebooks display.

  Attributes:
    svg: the SVG source.
  """

  svg: str

  def _repr_svg_(self) -> str:
    """Returns the picture, for notebooks."""
    return self.svg

  def save(self, path: str | os.PathLike[str]) -> None:
    """Writes the image to an SVG file.

    Args:
      path: path of the file, ending in .svg. An existing file is replaced atomically.

    Raises:
      ValueError: if the path does not end in .svg.
      OSError: if the file cannot be written.
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
  """Draws the cells of a genotype: normal and reduction cell side by side, a recurrent cell, or a benchmark cell.

  Raises:
    ValueError: if genotypes of this type cannot be drawn.
  """
  from nao_tf.drawing.svg import draw_svg  # SciPy, which lays cells out, is imported when there is one to draw.

  return Drawing(draw_svg(graphs_of(genotype)))


def draw_png(genotype: DrawableGenotype, title: str = "") -> tuple[bytes, int, int]:
  """Draws the cells of a genotype as `draw_genotype` does, as a PNG image with a light background.

  Args:
    genotype: the genotype to draw.
    title: a line of text above the cells.

  Returns:
    The content of the PNG file, its width and its height in pixels.

  Raises:
    ValueError: if genotypes of this type cannot be drawn.
  """
  from nao_tf.drawing import png  # Matplotlib is imported when there is something to draw with it.

  return png.draw_png(graphs_of(genotype), title)
