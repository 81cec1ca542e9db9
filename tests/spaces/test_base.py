"""What a space of one's own gets from `SearchSpace`."""

import doctest

import numpy as np
import pytest

from nao_tf.spaces import base
from nao_tf.spaces.base import Decision, SearchSpace
from tests.support.toys import ToySpace


class Pinned(SearchSpace):
  """Only one row of choices is an architecture."""

  name = "pinned"
  decisions = (Decision("part", 3), Decision("mode", 2))

  def check_rules(self, architecture):
    if tuple(architecture) != (2, 1):
      raise ValueError("pinned: expected 2 1")

  def decode(self, architecture):
    self.validate(architecture)
    return "the only one"


class Refined(SearchSpace):
  """A number with a refinement, and a mode."""

  name = "refined"
  decisions = (
    Decision("number", 9, ordered=True),
    Decision("refinement", 5, ordered=True, reach=0.2),
    Decision("mode", 3),
  )

  def decode(self, architecture):
    return architecture


def test_the_example_of_the_documentation_runs():
  results = doctest.testmod(base)
  assert results.attempted > 0 and results.failed == 0


def test_by_default_every_row_of_choices_is_listed_in_order():
  assert Refined().size == 9 * 5 * 3
  listed = list(Refined().enumerate())
  assert listed == sorted(listed) and len(set(listed)) == 9 * 5 * 3


def test_rules_thin_out_what_is_listed_and_sampled():
  space = ToySpace()
  assert space.size == 36 and len(list(space.enumerate())) == 27
  rng = np.random.default_rng(0)
  counts = {}
  for _ in range(2700):
    architecture = space.sample(rng)
    counts[architecture] = counts.get(architecture, 0) + 1
  assert set(counts) == set(space.enumerate())
  assert all(60 <= count <= 140 for count in counts.values())  # 100 on average, 4 sigma.


@pytest.mark.parametrize(
  "architecture, message",
  [
    ((0, 0), "toy: expected 4 decisions, got 2"),
    ((0, 0, 0, 2), r"toy: position 3 \(mode\) must be an integer in \[0, 2\), got 2"),
    ((0, 0.5, 1, 1), r"toy: position 1 \(part\) must be an integer in \[0, 3\), got 0.5"),
    ((0, 0, 0, 0), "toy: positions 2 and 3 must not both be 0"),
  ],
)
def test_a_message_says_what_is_wrong_and_where(architecture, message):
  with pytest.raises(ValueError, match=message):
    ToySpace().validate(architecture)
  assert not ToySpace().is_valid(architecture)


def test_an_architecture_without_a_valid_mutation_is_an_error():
  with pytest.raises(ValueError, match=r"pinned: no valid architecture is one decision away from \(2, 1\)"):
    Pinned().mutate((2, 1), np.random.default_rng(0))
  assert list(Pinned().neighbors((2, 1))) == []


def test_neighbors_of_ordered_decisions_are_one_step_away():
  neighbors = set(Refined().neighbors((0, 2, 1)))
  assert neighbors == {(1, 2, 1), (0, 1, 1), (0, 3, 1), (0, 2, 0), (0, 2, 2)}


def test_only_what_reaches_all_the_way_is_left_without_refinements():
  space = Refined()
  assert space.is_refined and space.unrefined((4, 1, 2)) == (4, 2)
  assert not ToySpace().is_refined and ToySpace().unrefined((2, 1, 0, 1)) == (1, 2, 0, 1)


def test_a_space_without_symmetries_has_one_encoding_of_each_network():
  space, rng = Refined(), np.random.default_rng(0)
  architecture = space.sample(rng)
  assert space.canonical(architecture) == space.function_key(architecture) == architecture
  assert space.random_equivalent(architecture, rng) == space.random_isomorphic(architecture, rng) == architecture


@pytest.mark.parametrize("text", ["1 2 0 1", "1,2,0,1", "1 2 | 0 1", " 1 2  0 1 "])
def test_numbers_may_be_separated_by_spaces_commas_and_bars(text):
  assert ToySpace().parse(text) == (1, 2, 0, 1)


def test_a_text_that_is_no_number_is_an_error_with_its_place():
  with pytest.raises(ValueError, match="toy: expected numbers separated by spaces, got 'x' at position 2"):
    ToySpace().parse("1 2 x 1")
