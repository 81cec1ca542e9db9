import numpy as np
import tensorflow as tf

from nao_tf.serving.architecture_rules import has_no_rules, is_nasbench101_cell, rules_of
from nao_tf.spaces import make_space
from nao_tf.spaces.bounded import BoundedSpace
from nao_tf.spaces.nasbench101 import Nasbench101Space
from tests.support.toys import ToySpace


def test_the_rules_of_nasbench101_in_a_graph_are_those_of_the_space():
  space, rng = Nasbench101Space(), np.random.default_rng(0)
  sizes = np.array([decision.size for decision in space.decisions])
  edges = np.array([decision.kind == "edge" for decision in space.decisions])
  rows = rng.integers(sizes, size=(600, len(sizes)))
  rows *= np.where(edges, rng.random(rows.shape) < rng.uniform(0.3, 1.0, (600, 1)) * 2, True)  # From few edges to many.
  expected = [space.is_valid(row) for row in rows.tolist()]
  assert 100 < sum(expected) < 500
  np.testing.assert_array_equal(is_nasbench101_cell(tf.constant(rows, tf.int32)), expected)


def test_every_row_is_legal_in_a_space_without_rules():
  assert rules_of(make_space("nasbench201")) is has_no_rules
  np.testing.assert_array_equal(has_no_rules(tf.zeros([3, 6], tf.int32)), [True] * 3)


def test_a_bounded_space_has_the_rules_of_the_space_within():
  assert rules_of(BoundedSpace(Nasbench101Space(), lambda architecture: False)) is is_nasbench101_cell


def test_rules_in_python_only_are_not_known():
  assert rules_of(ToySpace()) is None


def test_a_space_that_refines_the_rules_of_another_is_not_taken_for_it():
  class Smaller(Nasbench101Space):
    def check_rules(self, architecture):
      super().check_rules(architecture)
      raise ValueError("too large")

  assert rules_of(Smaller()) is None
