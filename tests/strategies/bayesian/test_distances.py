"""Distances between architectures, and the bank that keeps them."""

import numpy as np
import pytest

from nao_tf.spaces import make_space
from nao_tf.spaces.base import Decision, SearchSpace
from nao_tf.spaces.bounded import BoundedSpace
from nao_tf.strategies.bayesian.distances import DecisionDistance, DistanceBank, make_distance
from nao_tf.strategies.bayesian.gaussian_process import GaussianProcess, Hyperparameters, positive_semidefinite
from tests.support.toys import ToySpace


class Mixed(SearchSpace):
  name = "mixed"
  decisions = (Decision("units", 5, ordered=True), Decision("activation", 2), Decision("fine", 3, True, reach=0.5))

  def decode(self, architecture):
    return architecture


class Counting:
  """Counts the distances that are computed."""

  def __init__(self, distance):
    self._distance, self.num_distances, self.count = distance, distance.num_distances, 0

  def profile(self, point):
    return self._distance.profile(point)

  def distances(self, profile, others):
    self.count += len(others)
    return self._distance.distances(profile, others)


def samples(space, count):
  rng = np.random.default_rng(0)
  return list(dict.fromkeys(space.sample(rng) for _ in range(count)))


def test_ordered_decisions_differ_by_how_far_apart_their_choices_are():
  distance = DecisionDistance(Mixed())
  first, *others = map(distance.profile, [(0, 0, 0), (4, 0, 0), (1, 1, 0), (0, 0, 2)])
  assert distance.distances(first, others)[:, 0] == pytest.approx([1 / 3, 1.25 / 3, 0.5 / 3])


def test_encodings_of_one_architecture_are_at_no_distance():
  distance = DecisionDistance(ToySpace())
  assert distance.distances(distance.profile((2, 1, 1, 0)), [distance.profile((1, 2, 1, 0))]) == 0


@pytest.mark.parametrize("kernel", ["otmann", "edit", "decisions"])
@pytest.mark.parametrize("name", ["nasbench101", "rnn12"])
def test_kernels_of_cells_are_positive_semidefinite_after_the_repair(name, kernel):
  space = make_space(name)
  architectures = samples(space, 25)
  distance, terms = make_distance(kernel, space, architectures[0])
  bank = DistanceBank(distance)
  matrix = bank.between(architectures)
  assert matrix == pytest.approx(matrix.transpose(1, 0, 2)) and not np.diagonal(matrix).any()
  betas, weights = np.ones(distance.num_distances), np.full(len(terms), 1 / len(terms))
  process = GaussianProcess(terms, Hyperparameters(betas, weights, 0.01, matrix.mean(axis=(0, 1))))
  repaired = positive_semidefinite(process.kernel(matrix))
  assert np.linalg.eigvalsh(repaired).min() > -1e-9
  assert np.abs(repaired - process.kernel(matrix)).max() < 0.2


def test_the_bank_computes_each_distance_once():
  space = make_space("nasbench201")
  *members, late, candidate = samples(space, 20)
  distance = Counting(DecisionDistance(space))
  bank = DistanceBank(distance)
  first = bank.between(members)
  asked = bank.to_members([candidate], members)
  assert distance.count == len(members) * (len(members) - 1) / 2 + len(members)
  assert (bank.between(members) == first).all() and (bank.to_members([candidate], members) == asked).all()
  more = bank.to_members([candidate], [*members, late])
  assert (more[:, :-1] == asked).all()
  assert distance.count == (len(members) + 1) * (len(members) + 2) / 2
  assert bank.between([candidate, *members])[0, 1:] == pytest.approx(asked[0])


def test_many_candidates_are_forgotten_and_computed_again():
  space = make_space("nasbench101")
  first, *others = samples(space, 1100)
  bank = DistanceBank(DecisionDistance(space))
  before = bank.to_members([first], others[:3])
  bank.to_members(others, others[:3])
  assert len(bank._kept) <= 1000
  assert (bank.to_members([first], others[:3]) == before).all()


@pytest.mark.parametrize("kernel", ["otmann", "edit"])
def test_networks_that_a_space_does_not_have_cannot_be_compared(kernel):
  message = f"--bayesian_kernel={kernel} compares networks of layers, but the space toy has no graphs of them"
  with pytest.raises(ValueError, match=message):
    make_distance(kernel, ToySpace(), (0, 0, 1, 1))


@pytest.mark.parametrize(
  "space, num_distances",
  [(ToySpace(), 1), (make_space("nasbench201"), 8), (BoundedSpace(make_space("nasbench201"), lambda a: True), 8)],
)
def test_networks_are_compared_by_default_where_there_are_any(space, num_distances):
  distance, _ = make_distance("auto", space, space.sample(np.random.default_rng(0)))
  assert distance.num_distances == num_distances
