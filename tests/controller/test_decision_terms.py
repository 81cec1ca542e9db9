import itertools

import keras_tuner
import numpy as np
import pytest

from nao_tf.controller.decision_kernel import DecisionKernel
from nao_tf.controller.decision_terms import make_terms, prior_covariance
from nao_tf.spaces import SPACES, make_space
from nao_tf.spaces.base import Decision
from nao_tf.spaces.hyperparameters import HyperParameterSpace


def numbers(refinements):
  hp = keras_tuner.HyperParameters()
  hp.Float("rate", 0, 1)
  hp.Choice("kind", ["a", "b", "c"])
  hp.Int("width", 0, 10_000)
  return HyperParameterSpace(hp, refinements=refinements)


@pytest.mark.parametrize("name", SPACES)
def test_without_refinements_each_decision_has_terms_of_its_own(name):
  decisions = make_space(name).decisions
  terms = make_terms(decisions)
  assert [term.decision for term in terms if not term.squared] == list(decisions)
  assert [term.decision for term in terms if term.squared] == [d for d in decisions if d.ordered]
  rng = np.random.default_rng(0)
  choices = np.stack([[rng.integers(decision.size) for decision in decisions] for _ in range(5)])
  for term in terms:
    assert term.num_places == term.decision.size
    np.testing.assert_array_equal(term.places(choices), choices[:, term.position])


@pytest.mark.parametrize("refinements", [1, 2])
def test_the_choices_of_a_number_are_one_place_on_the_way_from_the_first_to_the_last_value(refinements):
  space = numbers(refinements)
  terms = make_terms(space.decisions)
  assert [(term.decision.kind, term.squared) for term in terms] == [
    ("rate", False),
    ("kind", False),
    ("width", False),
    ("rate", True),
    ("width", True),
  ]
  rate = terms[0]
  others = (0,) + (0,) * (refinements + 1)
  for choices in itertools.product(range(9), *[range(5)] * refinements):
    [place] = rate.places(np.array([(*choices, *others)]))
    value = space.decode((*choices, *others))["rate"]
    assert place / (rate.num_places - 1) == pytest.approx(value, abs=1e-6)


def test_finer_refinements_than_are_told_apart_are_rounded():
  rate = make_terms(numbers(4).decisions)[0]
  assert rate.num_places == 8 * 25 + 1
  assert rate.places(np.array([[3, 2, 2, 2, 3, 0, 0, 2, 2, 2, 2]])) == [75]
  assert rate.places(np.array([[8, 4, 4, 4, 4, 0, 0, 2, 2, 2, 2]])) == [200]


def test_values_are_the_less_alike_the_further_they_are_apart_across_coarse_choices():
  space = numbers(1)
  values = [0.0, 0.1, 0.175, 0.2, 0.225, 0.3, 0.6, 1.0]
  rows = [space.encode({"rate": value, "kind": "a", "width": 0}) for value in values]
  kernel, rng = DecisionKernel(space), np.random.default_rng(0)
  encodings = kernel.encodings(rows, rng)
  alike = kernel.between(encodings[:, :1], encodings, np.exp(kernel.mean))[0]
  assert (np.diff(alike) < 0).all()
  near = kernel.between(encodings, encodings, np.exp(kernel.mean))
  assert near[2, 3] == pytest.approx(near[3, 4], rel=1e-5)  # The coarse choice changes between two of the three.


def test_a_refinement_of_what_has_no_order_is_a_decision_of_its_own():
  decisions = (Decision("kind", 3), Decision("fine", 5, ordered=True, reach=0.2))
  assert [term.decision.kind for term in make_terms(decisions)] == ["kind", "fine", "fine"]


def test_the_prior_of_the_weights_is_a_covariance():
  covariance = prior_covariance(make_terms(numbers(1).decisions))
  assert covariance.shape == (5, 5) and (np.linalg.eigvalsh(covariance) > 0).all()
