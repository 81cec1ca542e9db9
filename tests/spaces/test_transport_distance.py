"""The distance of NASBOT: costs by hand, the linear program of SciPy, and the laws of a metric."""

import os
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from scipy.optimize import linprog

from nao_tf.registries import MissingPackage
from nao_tf.spaces.layer_graphs import Layer
from nao_tf.spaces.transport_distance import NUS, TransportDistance
from tests.support.layer_graphs import chain, layer_graphs

DISTANCE = TransportDistance()
CONV3, CONV5, SEPARABLE = Layer("conv3x3", 4, 5), Layer("conv5x5", 4, 5), Layer("sep3x3", 4, 5)
MAX, AVERAGE, IDENTITY = Layer("max3x3", 4, 20), Layer("avg3x3", 4, 20), Layer("identity", 4, 20)
RAW, NORMALIZED = slice(0, len(NUS)), slice(len(NUS), None)
TRIES = settings(max_examples=60, deadline=None, derandomize=True)


@pytest.mark.parametrize(
  "one, other, cost",
  [
    (CONV3, CONV5, 2**0.5 / 10 * 2**0.5),
    (CONV3, SEPARABLE, 0.1),
    (MAX, AVERAGE, 0.5),
    (Layer("sigmoid", 4, 5), Layer("tanh", 4, 5), 0.1),
  ],
)
def test_layers_at_the_same_place_differ_by_their_operations(one, other, cost):
  """Each has a mass of 20. Both networks have the mass of 2 ends beside, a tenth of it each."""
  distances = DISTANCE.between(chain(one), chain(other))
  assert distances[RAW] == pytest.approx(20 * cost) and distances[NORMALIZED] == pytest.approx(20 * cost / 24**2)


def test_rectifiers_are_near_to_saturated_activations():
  """The path lengths of both groups differ by 1, from both ends for the layer and from one for each end."""
  relu, tanh = Layer("relu", 4, 5), Layer("tanh", 4, 5)
  expected = 20 * (0.25 + np.array(NUS) * 4 / (2 * 4)) + 2 * 2 * np.array(NUS) * 2 / (2 * 4)
  assert DISTANCE.between(chain(relu), chain(tanh))[RAW] == pytest.approx(expected)


@pytest.mark.parametrize("one, other", [(MAX, IDENTITY), (Layer("mine", 4, 20), Layer("yours", 4, 20))])
def test_layers_of_other_kinds_are_not_matched(one, other):
  assert 40 <= DISTANCE.between(chain(one), chain(other))[0] < 40.1


def test_layers_that_are_missing_cost_1_for_each_unit_of_mass():
  """The ends cost what their path lengths differ by: 1 of all layers and 1 of convolutions, in 4 groups, one direction."""
  ends, nus = 2 * 0.1, np.array(NUS)
  cheaper = np.minimum(nus * 2 / (4 * 2), 2)
  distances = DISTANCE.between(chain(), chain(Layer("conv3x3")))
  assert distances[RAW] == pytest.approx(1 + ends * cheaper)


def test_masses_grow_with_computation():
  widths = [DISTANCE.between(chain(), chain(Layer("conv3x3", units, 8)))[0] for units in (8, 16, 32)]
  assert widths[0] < widths[1] / 1.9 < widths[2] / 3.8
  dense, convolution = (DISTANCE.profile(chain(Layer(label, 10, 10))).masses[1] for label in ("dense", "conv3x3"))
  assert dense == convolution / 10 == 10


@given(layer_graphs(most_layers=3), layer_graphs(most_layers=3))
@settings(max_examples=10, deadline=None, derandomize=True)
def test_it_is_the_optimum_of_the_linear_program(one, two):
  first, second = DISTANCE.profile(one), DISTANCE.profile(two)
  costs = next(iter(DISTANCE._costs(first, [second])))[1].T[:-1, :-1]
  rows, columns = costs.shape
  padded = np.pad(costs, ((0, 1), (0, 1)), constant_values=1)
  padded[-1, -1] = 0
  sums = [np.eye(rows + 1)[i][:, None] * np.ones(columns + 1) for i in range(rows + 1)]
  sums += [np.eye(columns + 1)[i] * np.ones((rows + 1, 1)) for i in range(columns + 1)]
  masses = [*first.masses[:-1], second.mass, *second.masses[:-1], first.mass]
  solution = linprog(padded.ravel(), A_eq=np.array([s.ravel() for s in sums]), b_eq=masses)
  assert DISTANCE.between(one, two)[1] == pytest.approx(solution.fun, rel=1e-6, abs=1e-9)


@given(layer_graphs(), layer_graphs(), layer_graphs())
@TRIES
def test_the_distances_are_metrics_but_for_the_normalized_ones(one, two, three):
  first, second, third = DISTANCE.between(one, two), DISTANCE.between(two, three), DISTANCE.between(one, three)
  assert DISTANCE.between(two, one) == pytest.approx(first, rel=1e-9, abs=1e-9)
  assert (third[RAW] <= first[RAW] + second[RAW] + 1e-6).all()
  assert (DISTANCE.between(one, one) == 0).all() and (first >= 0).all()


def test_a_larger_nu_never_makes_a_distance_smaller():
  one, two = chain(CONV3, MAX, CONV5), chain(MAX, CONV5, AVERAGE, CONV3, skips=[(1, 3)])
  assert (np.diff(DISTANCE.between(one, two)[RAW]) > 0).all()


def test_there_are_no_distances_to_nothing():
  assert DISTANCE.distances(DISTANCE.profile(chain()), []).shape == (0, 8)


def test_pot_is_told_to_leave_other_libraries_of_arrays_alone(tmp_path, monkeypatch):
  folder = tmp_path / "ot" / "lp"
  folder.mkdir(parents=True)
  (folder.parent / "__init__.py").touch()
  (folder / "__init__.py").touch()
  (folder / "emd_wrap.py").write_text("import os\nemd_c = dict(os.environ)\n")
  for name in [name for name in sys.modules if name.partition(".")[0] == "ot"]:
    monkeypatch.delitem(sys.modules, name)
  monkeypatch.syspath_prepend(str(tmp_path))
  monkeypatch.delenv("POT_BACKEND_DISABLE_TENSORFLOW", raising=False)
  before = dict(os.environ)
  during = TransportDistance()._solve
  assert during["POT_BACKEND_DISABLE_TENSORFLOW"] == "1" and dict(os.environ) == before


def test_without_pot_the_error_says_how_to_install_it(monkeypatch):
  monkeypatch.setitem(sys.modules, "ot.lp.emd_wrap", None)
  with pytest.raises(MissingPackage, match="pip install POT"):
    TransportDistance()
