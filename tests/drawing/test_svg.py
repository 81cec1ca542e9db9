from xml.etree import ElementTree

import pytest

from nao_tf.drawing import Drawing, draw_genotype
from nao_tf.drawing.graphs import graphs_of
from nao_tf.drawing.svg import MOST_BOXES, draw_svg
from nao_tf.spaces.genotypes import Branch, Cell, CellGenotype, Node, RecurrentGenotype, RecurrentNode
from nao_tf.spaces.published import CELLS

SVG = "{http://www.w3.org/2000/svg}"
GENOTYPE = CELLS["AmoebaNet-B"].genotype


def with_operation(name):
  cell = Cell((Node(Branch(name, 0), Branch("identity", 1)),))
  return CellGenotype(cell, cell)


def texts(svg):
  return [element.text for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_a_picture_shows_each_box_both_titles_and_a_legend():
  found = texts(draw_genotype(GENOTYPE).svg)
  boxes = [box.text for graph in graphs_of(GENOTYPE) for box in graph.boxes]
  legend = ["convolution", "separable", "dilated", "max pooling", "average pooling", "identity"]
  assert sorted(found) == sorted([*boxes, "Normal cell", "Reduction cell", *legend])


def test_each_arrow_has_a_line_and_a_head():
  elements = list(ElementTree.fromstring(draw_genotype(GENOTYPE).svg).iter(f"{SVG}path"))
  count = sum(len(graph.edges) for graph in graphs_of(GENOTYPE))
  assert len(elements) == 2 * count


def test_a_reader_hears_the_cells():
  root = ElementTree.fromstring(draw_genotype(GENOTYPE).svg)
  assert root.get("role") == "img"
  assert root.get("aria-label") == ". ".join(f"{graph.title}: {graph.text}" for graph in graphs_of(GENOTYPE))


def test_there_are_colors_for_light_and_dark_pages():
  style = ElementTree.fromstring(draw_genotype(GENOTYPE).svg).find(f"{SVG}style").text
  light, dark = style.split("@media(prefers-color-scheme:dark)")
  assert ".page{fill:#ffffff}" in light and ".page{fill:#171923}" in dark


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", '"><b>', "a&b", "\0\x1b", "\ud800"])
def test_texts_from_outside_are_escaped(name):
  svg = draw_genotype(with_operation(name)).svg
  svg.encode("utf-8")
  root = ElementTree.fromstring(svg)
  assert not list(root.iter(f"{SVG}script")) and not list(root.iter(f"{SVG}b"))
  shown = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in name)
  assert shown in texts(svg)


def test_a_long_text_is_cut():
  assert "x" * 31 + "…" in texts(draw_genotype(with_operation("x" * 1000)).svg)


def test_a_cell_that_is_too_large_is_refused():
  genotype = RecurrentGenotype(tuple(RecurrentNode(number, "tanh") for number in range(MOST_BOXES)))
  with pytest.raises(ValueError, match="expected a cell of at most 400 boxes to draw, got 404"):
    draw_svg(graphs_of(genotype))


def test_a_notebook_shows_the_picture_and_a_file_has_it(tmp_path):
  drawing = draw_genotype(GENOTYPE)
  assert isinstance(drawing, Drawing) and drawing._repr_svg_() == drawing.svg
  drawing.save(tmp_path / "cell.svg")
  assert (tmp_path / "cell.svg").read_text(encoding="utf-8") == drawing.svg
  with pytest.raises(ValueError, match=r"cell.png: expected the name of a file that ends with .svg"):
    drawing.save(tmp_path / "cell.png")
  with pytest.raises(FileNotFoundError, match=r"none/cell.svg: there is no directory .*none$"):
    drawing.save(tmp_path / "none" / "cell.svg")
