"""Moves between plain networks that keep the function of a trained one, as changes of their genotypes.

A new layer reads one layer, and what has read that one reads the new layer instead, skip connections included. If the
layer that it reads is of another stage, it stands behind the pool between the two, so skip connections stay where they
are.
"""

import dataclasses
import itertools
from collections.abc import Iterator, Sequence

from nao_tf.spaces.layered_genotypes import SHORTEST_SKIP, SKIP_KINDS, Convolution, LayeredGenotype, Skip


@dataclasses.dataclass(frozen=True)
class MorphPlan:
  """How one network becomes another one: layers are inserted, then some become wider, then skip connections are added.

  Attributes:
    parent: the network to begin with.
    child: the network to end with.
    places: for each layer of the parent, its number in the child.
    inserted: numbers of the child's other layers, in ascending order.
    widened: numbers of the child's layers that are wider than the parent's, or than the layer that they were inserted
      after.
    skips: skip connections of the child that the parent has not.
  """

  parent: LayeredGenotype
  child: LayeredGenotype
  places: tuple[int, ...]
  inserted: tuple[int, ...]
  widened: tuple[int, ...]
  skips: tuple[Skip, ...]

  @property
  def num_morphisms(self) -> int:
    """How many morphisms the plan has."""
    return len(self.inserted) + len(self.widened) + len(self.skips)


def moves(
  genotype: LayeredGenotype, kernel_sizes: Sequence[int], widths: Sequence[int], longest_skip: int
) -> Iterator[LayeredGenotype]:
  """Yields the networks that one move leads to; they may have more layers or longer skip connections than a space allows.

  Args:
    genotype: genotype of the network.
    kernel_sizes: kernel sizes of a new convolution.
    widths: the widths that layers may have, ascending. A layer becomes as wide as the next one.
    longest_skip: how many layers a new skip connection may lead over.
  """
  yield from _deeper(genotype, kernel_sizes)
  yield from _wider(genotype, widths)
  yield from _with_skips(genotype, longest_skip)


def inserted(genotype: LayeredGenotype, place: int, section: int, kernel_size: int) -> LayeredGenotype:
  """Returns a network with a new layer, as wide as the layer in front of it.

  Args:
    genotype: genotype of the network.
    place: the number of the new layer, at least 1.
    section: its stage; the number of stages for a dense layer.
    kernel_size: kernel size of a convolution.
  """
  width = genotype.widths[place - 1]
  skips = tuple(_moved(skip, place, is_rewired=genotype.sections[place - 1] == section) for skip in genotype.skips)
  if section == len(genotype.stages):
    index = place - len(genotype.convolutions)
    dense = (*genotype.dense[:index], width, *genotype.dense[index:])
    return dataclasses.replace(genotype, dense=dense, skips=skips)
  stage, index = genotype.stages[section], place - genotype.sections.index(section)
  grown = (*stage[:index], Convolution(kernel_size, width), *stage[index:])
  stages = (*genotype.stages[:section], grown, *genotype.stages[section + 1 :])
  return dataclasses.replace(genotype, stages=stages, skips=skips)


def morph_plan(parent: LayeredGenotype, child: LayeredGenotype) -> MorphPlan | None:
  """Returns how one network becomes another one by moves, in as few as it can be told; None if it cannot.

  Args:
    parent: where to begin.
    child: where to end.
  """
  if len(parent.stages) != len(child.stages):
    return None
  plans = [plan for places in _alignments(parent, child) if (plan := _plan(parent, child, places)) is not None]
  return min(plans, key=lambda plan: plan.num_morphisms, default=None)


def _deeper(genotype: LayeredGenotype, kernel_sizes: Sequence[int]) -> Iterator[LayeredGenotype]:
  """Yields the networks with one layer more. None stands in front of the first layer, since images have negative values."""
  sections = genotype.sections
  for section in range(len(genotype.stages)):
    places = [place + 1 for place, other in enumerate(sections) if other == section]
    first = [] if section == 0 else [places[0] - 1]
    for place, kernel_size in itertools.product([*first, *places], kernel_sizes):
      yield inserted(genotype, place, section, kernel_size)
  for place in range(len(genotype.convolutions), len(sections) + 1):
    yield inserted(genotype, place, len(genotype.stages), 1)


def _wider(genotype: LayeredGenotype, widths: Sequence[int]) -> Iterator[LayeredGenotype]:
  """Yields the networks with one layer of the next width."""
  following = dict(itertools.pairwise(widths))
  for number, width in enumerate(genotype.widths):
    if width in following:
      yield _with_width(genotype, number, following[width])


def _with_width(genotype: LayeredGenotype, number: int, width: int) -> LayeredGenotype:
  index = number - len(genotype.convolutions)
  if index >= 0:
    return dataclasses.replace(genotype, dense=(*genotype.dense[:index], width, *genotype.dense[index + 1 :]))
  numbers = itertools.count()
  stages = tuple(
    tuple(layer._replace(width=width) if next(numbers) == number else layer for layer in stage)
    for stage in genotype.stages
  )
  return dataclasses.replace(genotype, stages=stages)


def _with_skips(genotype: LayeredGenotype, longest_skip: int) -> Iterator[LayeredGenotype]:
  """Yields the networks with one skip connection more."""
  for target in range(SHORTEST_SKIP, len(genotype.widths)):
    if genotype.skip_to(target) is not None:
      continue
    for source, kind in itertools.product(range(max(0, target - longest_skip), target - SHORTEST_SKIP + 1), SKIP_KINDS):
      skips = sorted((*genotype.skips, Skip(source, target, kind)), key=lambda skip: skip.target)
      yield dataclasses.replace(genotype, skips=tuple(skips))


def _moved(skip: Skip, place: int, *, is_rewired: bool) -> Skip:
  """Returns a skip connection in a network with a new layer at a place."""
  is_source_moved = skip.source >= place or (is_rewired and skip.source == place - 1)
  return Skip(skip.source + is_source_moved, skip.target + (skip.target >= place), skip.kind)


def _alignments(parent: LayeredGenotype, child: LayeredGenotype) -> Iterator[tuple[int, ...]]:
  """Yields the ways in which the layers of one network can be layers of the other, section by section, in order."""
  sections = []
  for section in range(len(child.stages) + 1):
    ours = [number for number, other in enumerate(parent.sections) if other == section]
    theirs = [number for number, other in enumerate(child.sections) if other == section]
    sections.append(list(itertools.combinations(theirs, len(ours))))
  for places in itertools.product(*sections):
    yield tuple(itertools.chain.from_iterable(places))


def _plan(parent: LayeredGenotype, child: LayeredGenotype, places: tuple[int, ...]) -> MorphPlan | None:
  """Returns the plan for one alignment; None if it has none."""
  if not places or places[0] != 0 or not _have_equal_kernels(parent, child, places):
    return None
  others = tuple(number for number in range(len(child.widths)) if number not in places)
  grown = parent
  for number in others:
    kernel_size = child.convolutions[number].kernel_size if number < len(child.convolutions) else 1
    grown = inserted(grown, number, child.sections[number], kernel_size)
  if not set(grown.skips) <= set(child.skips) or any(a > b for a, b in zip(grown.widths, child.widths)):
    return None
  widened = tuple(number for number, width in enumerate(child.widths) if width > grown.widths[number])
  skips = tuple(skip for skip in child.skips if skip not in grown.skips)
  return MorphPlan(parent, child, places, others, widened, skips)


def _have_equal_kernels(parent: LayeredGenotype, child: LayeredGenotype, places: tuple[int, ...]) -> bool:
  pairs = zip(parent.convolutions, places)
  return all(layer.kernel_size == child.convolutions[place].kernel_size for layer, place in pairs)
