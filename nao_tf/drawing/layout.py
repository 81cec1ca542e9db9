"""Places the boxes of a graph in layers and leads its arrows around them.

The steps are those of Sugiyama et al., "Methods for Visual Understanding of Hierarchical System Structures", 1981, with
the linear programs of Gansner et al., "A Technique for Drawing Directed Graphs", 1993:

1. Each box gets a layer, so that arrows lead down and are short in all.
2. An arrow that passes a layer gets a place there, as if it were a narrow box. So arrows never run through boxes.
3. The places of each layer are put in an order with few crossings.
4. Each place gets a position, so that arrows are straight where they can be.
"""

import dataclasses
import itertools
from collections.abc import Iterable, Sequence

import numpy as np
import scipy.optimize
import scipy.sparse

BOX_HEIGHT = 28.0
LAYER_GAP = 46.0
MOST_PLACES = 1500
_BOX_GAP, _PASSAGE, _PORT = 16.0, 10.0, 11.0
_LETTER, _PADDING = 7.2, 20.0
_RESTARTS, _SWEEPS = 12, 10
_STRAIGHT = (1.0, 3.0, 8.0)
"""How much a slanted piece of an arrow costs, by how many of its two ends are passages."""

Point = tuple[float, float]


@dataclasses.dataclass(frozen=True)
class Layout:
  """The layout of a graph. x increases to the right, y downward.

  Attributes:
    width: width of the drawing.
    height: height of the drawing.
    centers: center of each box.
    widths: width of each box.
    routes: for each edge, points from the bottom of its tail to the top of its head. Odd-numbered segments, counted
      from 1, are curves that start and end vertically; the others are vertical lines.
  """

  width: float
  height: float
  centers: tuple[Point, ...]
  widths: tuple[float, ...]
  routes: tuple[tuple[Point, ...], ...]


def layout(texts: Sequence[str], edges: Sequence[tuple[int, int]], inputs: Iterable[int]) -> Layout:
  """Lays out an acyclic graph.

  Args:
    texts: text in each box.
    edges: indices of the boxes that each arrow leaves and enters.
    inputs: indices of the boxes in the first layer.

  Raises:
    ValueError: if the arrows span too many layers to be readable.
  """
  degrees = [max(sum(tail == v for tail, _ in edges), sum(head == v for _, head in edges)) for v in range(len(texts))]
  widths = [max(_LETTER * len(text) + _PADDING, _PORT * (degree + 1)) for text, degree in zip(texts, degrees)]
  layers = _layers(len(texts), edges, set(inputs))
  chains, all_layers = _chains(layers, edges)
  if len(all_layers) > MOST_PLACES:
    raise ValueError(f"expected a cell whose boxes and arrows need at most {MOST_PLACES} places, got {len(all_layers)}")
  pieces = [piece for chain in chains for piece in itertools.pairwise(chain)]
  order = _order(all_layers, pieces)
  all_widths = [*widths, *[_PASSAGE] * (len(all_layers) - len(widths))]
  xs = _positions(order, pieces, all_widths, len(widths))
  ys = [BOX_HEIGHT / 2 + layer * (BOX_HEIGHT + LAYER_GAP) for layer in all_layers]
  routes = _routes(chains, xs, ys, widths)
  width = max(x + w / 2 for x, w in zip(xs, all_widths))
  centers = tuple(zip(xs[: len(widths)], ys))
  return Layout(width, max(ys) + BOX_HEIGHT / 2, centers, tuple(widths), routes)


def _layers(count: int, edges: Sequence[tuple[int, int]], inputs: set[int]) -> list[int]:
  """Returns the layer of each box: arrows lead down at least one layer, and as few as possible in all."""
  if not edges:
    return [0] * count
  costs = np.zeros(count)
  for tail, head in edges:
    costs[head] += 1
    costs[tail] -= 1
  down = _differences([(head, tail) for tail, head in edges], count)
  bounds = [(0, 0 if box in inputs else None) for box in range(count)]
  solved = scipy.optimize.linprog(costs, A_ub=down, b_ub=-np.ones(len(edges)), bounds=bounds, method="highs-ds")
  return [round(layer) for layer in solved.x]


def _differences(pairs: Sequence[tuple[int, int]], count: int) -> scipy.sparse.csr_matrix:
  """Returns the matrix whose rows are second minus first, for pairs of variables."""
  rows = np.arange(len(pairs))
  first, second = np.array(pairs).T
  values = np.concatenate([-np.ones(len(pairs)), np.ones(len(pairs))])
  return scipy.sparse.csr_matrix(
    (values, (np.concatenate([rows, rows]), np.concatenate([first, second]))), (len(pairs), count)
  )


def _chains(layers: Sequence[int], edges: Sequence[tuple[int, int]]) -> tuple[list[list[int]], list[int]]:
  """Returns for each edge the places that it joins, one a layer, and the layers of all places, those of boxes first."""
  all_layers, chains = list(layers), []
  for tail, head in edges:
    passed = range(layers[tail] + 1, layers[head])
    first = len(all_layers)
    all_layers += passed
    chains.append([tail, *range(first, first + len(passed)), head])
  return chains, all_layers


def _order(layers: Sequence[int], pieces: Sequence[tuple[int, int]]) -> list[list[int]]:
  """Returns the places of each layer from left to right, in the order with the fewest crossings that was found."""
  rng, numbers = np.random.default_rng(0), np.asarray(layers)
  best: tuple[int, list[list[int]]] | None = None
  for _ in range(_RESTARTS):
    keys = rng.random(len(layers)) if best else np.arange(len(layers), dtype=float)
    order = [sorted(np.flatnonzero(numbers == n).tolist(), key=keys.__getitem__) for n in range(max(layers) + 1)]
    for sweep in range(_SWEEPS):
      order = _swept(order, pieces, upwards=bool(sweep % 2))
      crossings = _crossings(order, pieces)
      if best is None or crossings < best[0]:
        best = crossings, order
  return best[1] if best else []


def _swept(order: Sequence[Sequence[int]], pieces: Sequence[tuple[int, int]], *, upwards: bool) -> list[list[int]]:
  """Returns the order after each layer was sorted by the mean place of its neighbors in the layer before."""
  neighbors: dict[int, list[int]] = {}
  for tail, head in pieces:
    neighbors.setdefault(tail if upwards else head, []).append(head if upwards else tail)
  swept: list[list[int]] = []
  place: dict[int, float] = {}
  for layer in reversed(order) if upwards else order:
    here = {v: i / max(len(layer) - 1, 1) for i, v in enumerate(layer)}
    means = {v: float(np.mean([place[n] for n in neighbors[v]])) if v in neighbors else here[v] for v in layer}
    swept.append(sorted(layer, key=means.__getitem__))
    place = {v: i / max(len(layer) - 1, 1) for i, v in enumerate(swept[-1])}
  return swept[::-1] if upwards else swept


def _crossings(order: Sequence[Sequence[int]], pieces: Sequence[tuple[int, int]]) -> int:
  """Returns how many pairs of pieces cross."""
  place = {v: (number, i) for number, layer in enumerate(order) for i, v in enumerate(layer)}
  rows = np.array([(*place[tail], place[head][1]) for tail, head in pieces])
  if not len(rows):
    return 0
  layer, above, below = rows.T[:, :, np.newaxis]
  crossing = (layer == layer.T) & (above < above.T) & (below > below.T)
  return int(crossing.sum())


def _positions(
  order: Sequence[Sequence[int]], pieces: Sequence[tuple[int, int]], widths: Sequence[float], num_boxes: int
) -> list[float]:
  """Returns the x of each place: as far apart as it must be, and with pieces of arrows that are as upright as can be.

  The variables are the positions and, for each piece, a bound on how far it leads sideways.
  """
  count, size = len(widths), len(widths) + len(pieces)
  sides = [pair for layer in order for pair in itertools.pairwise(layer)]
  gaps = [(widths[a] + widths[b]) / 2 + _BOX_GAP for a, b in sides]
  slants = [_STRAIGHT[(tail >= num_boxes) + (head >= num_boxes)] for tail, head in pieces]
  blocks = [_differences([(b, a) for a, b in sides], size)] if sides else []
  limits = [-np.asarray(gaps)] if sides else []
  if pieces:
    slack = scipy.sparse.csr_matrix(
      (np.ones(len(pieces)), (range(len(pieces)), range(count, size))), (len(pieces), size)
    )
    blocks += [_differences(pieces, size) - slack, _differences([(b, a) for a, b in pieces], size) - slack]
    limits += [np.zeros(2 * len(pieces))]
  if not blocks:
    return [width / 2 for width in widths]
  bounds = [(width / 2, None) for width in widths] + [(0.0, None)] * len(pieces)
  costs = np.concatenate([np.full(count, 1e-3), slants])
  solved = scipy.optimize.linprog(
    costs, A_ub=scipy.sparse.vstack(blocks), b_ub=np.concatenate(limits), bounds=bounds, method="highs"
  )
  return [float(x) for x in solved.x[:count]]


def _routes(
  chains: Sequence[Sequence[int]], xs: Sequence[float], ys: Sequence[float], widths: Sequence[float]
) -> tuple[tuple[Point, ...], ...]:
  """Returns the points of each edge. Edges at one side of a box are spread along it, in the order of where they lead."""
  leaving = _ports([(chain[0], xs[chain[1]]) for chain in chains], xs, widths)
  arriving = _ports([(chain[-1], xs[chain[-2]]) for chain in chains], xs, widths)
  half = BOX_HEIGHT / 2
  routes = []
  for chain, start, end in zip(chains, leaving, arriving):
    passages = [(xs[v], ys[v] + side) for v in chain[1:-1] for side in (-half, half)]
    routes.append(((start, ys[chain[0]] + half), *passages, (end, ys[chain[-1]] - half)))
  return tuple(routes)


def _ports(ends: Sequence[tuple[int, float]], xs: Sequence[float], widths: Sequence[float]) -> list[float]:
  """Returns the x at which each edge meets its box, given for each edge the box and where its next place is."""
  ports = [0.0] * len(ends)
  for box in {box for box, _ in ends}:
    mine = sorted((i for i, (other, _) in enumerate(ends) if other == box), key=lambda i: ends[i][1])
    step = min(_PORT * 1.6, widths[box] / (len(mine) + 1))
    for place, i in enumerate(mine):
      ports[i] = xs[box] + step * (place - (len(mine) - 1) / 2)
  return ports
