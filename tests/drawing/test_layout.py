import itertools

import pytest

from nao_tf.drawing.graphs import graphs_of
from nao_tf.drawing.layout import BOX_HEIGHT, LAYER_GAP, layout
from nao_tf.spaces.published import CELLS, RECURRENT_CELLS

GRAPHS = [graph for cell in (*CELLS.values(), *RECURRENT_CELLS.values()) for graph in graphs_of(cell.genotype)]


def laid_out(graph):
  inputs = [i for i, box in enumerate(graph.boxes) if box.is_input]
  return layout([box.text for box in graph.boxes], [(edge.tail, edge.head) for edge in graph.edges], inputs)


@pytest.fixture(scope="module")
def layouts():
  return [(graph, laid_out(graph)) for graph in GRAPHS]


def rectangles(laid):
  return [
    (x - width / 2, y - BOX_HEIGHT / 2, x + width / 2, y + BOX_HEIGHT / 2)
    for (x, y), width in zip(laid.centers, laid.widths)
  ]


def test_boxes_are_apart_and_inside_the_picture(layouts):
  for _, laid in layouts:
    boxes = rectangles(laid)
    assert all(
      left > -1e-6 and right <= laid.width + 1e-6 and bottom <= laid.height for left, _, right, bottom in boxes
    )
    for a, b in itertools.combinations(boxes, 2):
      assert a[2] < b[0] or b[2] < a[0] or a[3] < b[1] or b[3] < a[1]


def test_an_arrow_leads_from_the_bottom_of_its_tail_to_the_top_of_its_head(layouts):
  for graph, laid in layouts:
    boxes = rectangles(laid)
    for edge, route in zip(graph.edges, laid.routes, strict=True):
      (start_x, start_y), (end_x, end_y) = route[0], route[-1]
      tail, head = boxes[edge.tail], boxes[edge.head]
      assert tail[0] < start_x < tail[2] and start_y == tail[3] and head[0] < end_x < head[2] and end_y == head[1]


def test_an_arrow_runs_through_no_box(layouts):
  for _, laid in layouts:
    boxes = rectangles(laid)
    for route in laid.routes:
      for number, ((x, y), (next_x, next_y)) in enumerate(itertools.pairwise(route)):
        assert y < next_y
        if number % 2:
          assert x == next_x
          assert not any(left - 1 < x < right + 1 and y < bottom and next_y > top for left, top, right, bottom in boxes)
        else:  # A curve stays between two layers, where there are no boxes.
          assert next_y - y == pytest.approx(LAYER_GAP)


def test_two_arrows_never_share_a_line(layouts):
  for _, laid in layouts:
    pieces = [piece for route in laid.routes for piece in itertools.pairwise(route)]
    assert len(set(pieces)) == len(pieces)


def test_a_chain_is_a_straight_line_and_inputs_stand_at_the_top():
  laid = layout(["in", "middle", "out"], [(0, 1), (1, 2)], [0])
  assert len({x for x, _ in laid.centers}) == 1
  assert [y for _, y in laid.centers] == [14.0, 14.0 + BOX_HEIGHT + LAYER_GAP, 14.0 + 2 * (BOX_HEIGHT + LAYER_GAP)]


def test_an_order_without_crossings_is_found():
  laid = layout(["a", "b", "c", "d"], [(0, 3), (1, 2)], [0, 1])
  (a, b, c, d) = (x for x, _ in laid.centers)
  assert (a < b) == (d < c)


def test_too_many_arrows_past_too_many_boxes_are_refused():
  count = 60
  edges = [*itertools.pairwise(range(count)), *((i, count - 1) for i in range(count - 2))]
  with pytest.raises(ValueError, match="need at most 1500 places, got 1771"):
    layout(["x"] * count, edges, [0])


def test_boxes_without_arrows_stand_side_by_side():
  laid = layout(["a", "b"], [], [])
  assert laid.centers[0][1] == laid.centers[1][1] and laid.centers[0][0] != laid.centers[1][0]
