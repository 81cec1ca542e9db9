"""Draws graphs as a PNG image, for programs that do not support SVG. It looks like `nao_tf.drawing.svg` on a light page."""

import io
import itertools
from collections.abc import Sequence

import matplotlib.backends.backend_agg
import matplotlib.figure
import matplotlib.patches
import matplotlib.path

from nao_tf.drawing import svg
from nao_tf.drawing.graphs import STATE, Graph
from nao_tf.drawing.layout import BOX_HEIGHT, Layout, Point

_Path = matplotlib.path.Path
_POINTS = 0.75
"""Points of a font for each pixel, at the resolution below."""
_RESOLUTION = 96


def draw_png(graphs: Sequence[Graph], title: str = "") -> tuple[bytes, int, int]:
  """Returns graphs as the content of a PNG file, with its width and height.

  Args:
    graphs: to draw side by side.
    title: a line above them.

  Raises:
    ValueError: if a graph has too many boxes to be looked at.
  """
  layouts, families = [svg.laid_out(graph) for graph in graphs], svg.families_in(graphs)
  width, height = (round(size) for size in svg.size_of(layouts, families))
  top = round(svg.TITLE) if title else 0
  canvas = _Canvas(width, height + top)
  if title:
    canvas.write(title, (svg.MARGIN, svg.MARGIN), svg.LIGHT["ink"], at="left", size=13)
  x = svg.MARGIN
  for graph, laid in zip(graphs, layouts):
    _draw_cell(canvas, graph, laid, (x, svg.MARGIN + svg.TITLE + top))
    x += laid.width + svg.APART
  _draw_legend(canvas, families, height + top - svg.MARGIN - 12)
  return canvas.png(), width, height + top


class _Canvas:
  """A page of pixels, on which y grows downwards."""

  def __init__(self, width: int, height: int):
    self._figure = matplotlib.figure.Figure(figsize=(width / _RESOLUTION, height / _RESOLUTION), dpi=_RESOLUTION)
    self._figure.patch.set_facecolor(svg.LIGHT["page"])
    self._axes = self._figure.add_axes((0, 0, 1, 1))
    self._axes.set_xlim(0, width)
    self._axes.set_ylim(height, 0)
    self._axes.axis("off")

  def write(
    self, text: str, place: Point, color: str, *, at: str = "center", size: float = 12, weight: str = "normal"
  ) -> None:
    """Writes a text, whatever is in it: none of it is a formula."""
    self._axes.text(
      *place,
      text,
      color=color,
      ha=at,
      va="center",
      fontsize=size * _POINTS,
      fontweight=weight,
      parse_math=False,
    )

  def line(self, path: matplotlib.path.Path, color: str) -> None:
    """Draws a line."""
    self._axes.add_patch(matplotlib.patches.PathPatch(path, facecolor="none", edgecolor=color, linewidth=1.6 * _POINTS))

  def triangle(self, corners: Sequence[Point], color: str) -> None:
    """Draws the head of an arrow."""
    self._axes.add_patch(matplotlib.patches.Polygon(corners, closed=True, facecolor=color, linewidth=0))

  def box(self, corner: Point, width: float, height: float, color: str, edge: str | None = None) -> None:
    """Draws a box with round corners."""
    style = matplotlib.patches.BoxStyle("Round", pad=0, rounding_size=5)
    self._axes.add_patch(
      matplotlib.patches.FancyBboxPatch(
        corner,
        width,
        height,
        boxstyle=style,
        facecolor=color,
        edgecolor=edge or color,
        linewidth=_POINTS,
      )
    )

  def png(self) -> bytes:
    """Returns the content of a PNG file."""
    file = io.BytesIO()
    matplotlib.backends.backend_agg.FigureCanvasAgg(self._figure).print_png(file)
    return file.getvalue()


def _draw_cell(canvas: _Canvas, graph: Graph, laid: Layout, corner: Point) -> None:
  canvas.write(graph.title, (corner[0], corner[1] - 20), svg.LIGHT["ink"], at="left", size=15, weight="bold")
  for edge, route in zip(graph.edges, laid.routes):
    _draw_edge(canvas, [_moved(point, corner) for point in route], _line_color(edge.family))
  for box, center, width in zip(graph.boxes, laid.centers, laid.widths):
    x, y = _moved(center, corner)
    is_state = box.family == STATE
    color = svg.LIGHT["box"] if is_state else svg.COLORS[box.family]
    canvas.box((x - width / 2, y - BOX_HEIGHT / 2), width, BOX_HEIGHT, color, svg.LIGHT["edge"] if is_state else None)
    canvas.write(svg.shortened(box.text), (x, y), svg.LIGHT["ink"] if is_state else "#ffffff")


def _draw_edge(canvas: _Canvas, route: Sequence[Point], color: str) -> None:
  """Draws an arrow: curves between layers, straight lines within one."""
  end_x, end_y = route[-1]
  canvas.line(_path([*route[:-1], (end_x, end_y - svg.ARROW_LENGTH)]), color)
  base = end_y - svg.ARROW_LENGTH
  canvas.triangle([(end_x, end_y), (end_x - svg.ARROW_WIDTH, base), (end_x + svg.ARROW_WIDTH, base)], color)


def _path(route: Sequence[Point]) -> matplotlib.path.Path:
  """Returns the line of an arrow."""
  points, codes = [route[0]], [int(_Path.MOVETO)]
  for number, ((x, y), (next_x, next_y)) in enumerate(itertools.pairwise(route)):
    if number % 2:
      points.append((next_x, next_y))
      codes.append(int(_Path.LINETO))
    else:
      middle = (y + next_y) / 2
      points += [(x, middle), (next_x, middle), (next_x, next_y)]
      codes += 3 * [int(_Path.CURVE4)]
  return _Path(points, codes)


def _draw_legend(canvas: _Canvas, families: Sequence[str], y: float) -> None:
  x = svg.MARGIN
  for family in families:
    canvas.box((x, y), 14, 14, svg.COLORS[family])
    canvas.write(family, (x + 20, y + 7), svg.LIGHT["ink"], at="left")
    x += svg.legend_width([family])


def _line_color(family: str) -> str:
  return svg.LIGHT["edge"] if family == STATE else svg.COLORS[family]


def _moved(point: Point, corner: Point) -> Point:
  return point[0] + corner[0], point[1] + corner[1]
