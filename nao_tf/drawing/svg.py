"""Draws graphs as an SVG image, side by side, with a legend, light and dark colors, and descriptions for screen readers.

Texts may be untrusted, so they are escaped, and long ones are truncated.
"""

import html
import re
from collections.abc import Iterator, Sequence

from nao_tf.drawing.graphs import STATE, Graph
from nao_tf.drawing.layout import BOX_HEIGHT, Layout, Point, layout
from nao_tf.spaces.operation_names import FAMILIES, OTHER

MOST_BOXES = 400
_LONGEST_TEXT = 32
MARGIN, TITLE, LEGEND, APART = 18.0, 34.0, 30.0, 48.0
ARROW_LENGTH, ARROW_WIDTH = 7.0, 3.5
_LETTER = 6.8
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
COLORS = dict(
  zip(
    FAMILIES,
    (
      "#2b6cb0",
      "#2f855a",
      "#0e7490",
      "#c2410c",
      "#a16207",
      "#a21caf",
      "#64748b",
      "#2b6cb0",
      "#2f855a",
      "#c2410c",
      "#6d28d9",
    ),
    strict=True,
  )
)
"""One color for each family, dark enough for white letters and light enough for lines on a dark page."""
LIGHT = {"page": "#ffffff", "ink": "#1a202c", "box": "#edf2f7", "edge": "#4a5568"}
_DARK = {"page": "#171923", "ink": "#edf2f7", "box": "#2d3748", "edge": "#a0aec0"}


def draw_svg(graphs: Sequence[Graph]) -> str:
  """Returns graphs as the text of an SVG file.

  Raises:
    ValueError: if a graph has too many boxes to be looked at.
  """
  layouts, families = [laid_out(graph) for graph in graphs], families_in(graphs)
  width, height = size_of(layouts, families)
  body = "".join(_cells(graphs, layouts)) + "".join(_legend(families, height - MARGIN - 12))
  words = _escaped(". ".join(f"{graph.title}: {graph.text}" for graph in graphs), cut=False)
  return (
    f'<svg xmlns="http://www.w3.org/2000/svg" class="nao-cells" role="img" aria-label="{words}"'
    f' viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}">'
    f"<style>{_style()}</style>"
    f'<rect class="page" width="100%" height="100%" rx="8"/>{body}</svg>\n'
  )


def laid_out(graph: Graph) -> Layout:
  """Returns where the parts of a graph stand.

  Raises:
    ValueError: if it has too many boxes to be looked at.
  """
  if len(graph.boxes) > MOST_BOXES:
    raise ValueError(f"expected a cell of at most {MOST_BOXES} boxes to draw, got {len(graph.boxes)}")
  inputs = [i for i, box in enumerate(graph.boxes) if box.is_input]
  texts = [shortened(box.text) for box in graph.boxes]
  return layout(texts, [(edge.tail, edge.head) for edge in graph.edges], inputs)


def families_in(graphs: Sequence[Graph]) -> list[str]:
  """Returns the families of the operations in graphs, for the legend."""
  return [name for name in FAMILIES if any(box.family == name for graph in graphs for box in graph.boxes)]


def size_of(layouts: Sequence[Layout], families: Sequence[str]) -> tuple[float, float]:
  """Returns width and height of a picture of graphs side by side, with their titles and a legend."""
  inner = max(sum(laid.width for laid in layouts) + APART * (len(layouts) - 1), legend_width(families))
  return inner + 2 * MARGIN, max(laid.height for laid in layouts) + 2 * MARGIN + TITLE + LEGEND


def _cells(graphs: Sequence[Graph], layouts: Sequence[Layout]) -> Iterator[str]:
  """Yields the drawings of graphs, from left to right."""
  x = MARGIN
  for graph, laid in zip(graphs, layouts):
    yield f'<g transform="translate({x:.1f} {MARGIN + TITLE:.1f})">'
    yield f'<text class="title" x="0" y="-16">{_escaped(graph.title)}</text>'
    for edge, route in zip(graph.edges, laid.routes):
      yield _edge(route, edge.family)
    for box, center, width in zip(graph.boxes, laid.centers, laid.widths):
      yield _box(box.text, center, width, box.family)
    yield "</g>"
    x += laid.width + APART


def _edge(route: Sequence[Point], family: str) -> str:
  """Returns an arrow. Between two layers it is a curve that begins and ends vertically; within one, a line."""
  (x, y), *_ = route
  path = f"M{x:.1f} {y:.1f}"
  *points, (end_x, end_y) = route[1:]
  for number, (next_x, next_y) in enumerate([*points, (end_x, end_y - ARROW_LENGTH)]):
    middle = (y + next_y) / 2
    curve = f"C{x:.1f} {middle:.1f} {next_x:.1f} {middle:.1f} {next_x:.1f} {next_y:.1f}"
    path += f"L{next_x:.1f} {next_y:.1f}" if number % 2 else curve
    x, y = next_x, next_y
  head = f"M{end_x:.1f} {end_y:.1f}l{-ARROW_WIDTH} {-ARROW_LENGTH}h{2 * ARROW_WIDTH}z"
  return f'<path class="edge {_class(family)}" d="{path}"/><path class="head {_class(family)}" d="{head}"/>'


def _box(text: str, center: Point, width: float, family: str) -> str:
  x, y = center[0] - width / 2, center[1] - BOX_HEIGHT / 2
  return (
    f'<rect class="box {_class(family)}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{BOX_HEIGHT}" rx="6"/>'
    f'<text class="{_class(family)}" x="{center[0]:.1f}" y="{center[1] + 4:.1f}">{_escaped(text)}</text>'
  )


def _legend(families: Sequence[str], y: float) -> Iterator[str]:
  """Yields a colored square and a name for each family."""
  x = MARGIN
  for family in families:
    yield f'<rect class="box {_class(family)}" x="{x:.1f}" y="{y:.1f}" width="14" height="14" rx="3"/>'
    yield f'<text class="legend" x="{x + 20:.1f}" y="{y + 11:.1f}">{_escaped(family)}</text>'
    x += legend_width([family])


def legend_width(families: Sequence[str]) -> float:
  """Returns the width of the legend of families."""
  return sum(44 + _LETTER * len(family) for family in families)


def _style() -> str:
  """Returns the style sheet. It names the class of the picture everywhere, so that nothing else on a page changes."""
  rules = [
    ".nao-cells text{font:12px Helvetica,Arial,sans-serif;text-anchor:middle}",
    ".nao-cells .title{font-size:15px;font-weight:bold;text-anchor:start}",
    ".nao-cells .legend{text-anchor:start}",
    ".nao-cells .edge{fill:none;stroke-width:1.6}",
    *(_family_rules(family, color) for family, color in COLORS.items()),
    _scheme(LIGHT),
    f"@media(prefers-color-scheme:dark){{{_scheme(_DARK)}}}",
  ]
  return "".join(rules)


def _family_rules(family: str, color: str) -> str:
  name = f".nao-cells .{_class(family)}"
  return (
    f"{name}.box,{name}.head{{fill:{color}}}{name}.edge{{stroke:{color}}}.nao-cells text.{_class(family)}{{fill:#fff}}"
  )


def _scheme(colors: dict[str, str]) -> str:
  ink, state = colors["ink"], f".nao-cells .{_class(STATE)}"
  return (
    f".nao-cells .page{{fill:{colors['page']}}}"
    f".nao-cells .title,.nao-cells .legend,.nao-cells text.{_class(STATE)}{{fill:{ink}}}"
    f"{state}.box{{fill:{colors['box']};stroke:{colors['edge']}}}"
    f"{state}.edge{{stroke:{colors['edge']}}}{state}.head{{fill:{colors['edge']}}}"
  )


def _class(family: str) -> str:
  """Returns the class of a family in the style sheet."""
  return (family if family in (*COLORS, STATE) else OTHER).replace(" ", "-")


def shortened(text: str) -> str:
  """Returns a text as it fits into a box."""
  return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…"


def _escaped(text: str, *, cut: bool = True) -> str:
  """Returns a text as it can stand in XML."""
  return html.escape(_NO_XML.sub("\N{REPLACEMENT CHARACTER}", shortened(text) if cut else text))
