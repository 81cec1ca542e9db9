"""The distance of Auto-Keras: costs by hand, and the laws of a metric."""

import pytest
from hypothesis import given, settings

from nao_tf.spaces.edit_distance import EditDistance
from nao_tf.spaces.layer_graphs import CONCAT, Layer
from tests.support.layer_graphs import chain, layer_graphs

DISTANCE = EditDistance()
NARROW, WIDE, LARGE_KERNEL = Layer("conv3x3", 32, 16), Layer("conv3x3", 64, 16), Layer("conv5x5", 32, 16)
POOL, DENSE = Layer("max3x3", 32, 32), Layer("dense", 10, 32)
TRIES = settings(max_examples=40, deadline=None, derandomize=True)


@pytest.mark.parametrize(
  "one, other, distance",
  [
    (chain(), chain(NARROW), 1),
    (chain(NARROW), chain(WIDE), 0.5),
    (chain(NARROW), chain(LARGE_KERNEL), 0.5),
    (chain(NARROW, NARROW, DENSE), chain(NARROW, DENSE), 1),
    (chain(NARROW), chain(POOL), 2),
    (chain(NARROW, POOL), chain(POOL, NARROW), 2),
    (chain(NARROW, WIDE, DENSE), chain(NARROW, NARROW, DENSE), 0.5),
  ],
)
def test_layers_are_inserted_deleted_and_changed(one, other, distance):
  assert DISTANCE.between(one, other) == distance


@pytest.mark.parametrize(
  "skips, others, distance",
  [
    ([(1, 3)], [], 0.1),
    ([(1, 3)], [(1, 4)], 0.1 * 1 / (1 + 3)),
    ([(1, 3)], [(2, 4)], 0.1 * 1 / (2 + 2)),
    ([(1, 3)], [(1, 3, CONCAT)], 0.1),
    ([(1, 3), (2, 5)], [(2, 5)], 0.1),
  ],
)
def test_skip_connections_are_assigned_to_one_another(skips, others, distance):
  layers = [NARROW] * 4
  assert DISTANCE.between(chain(*layers, skips=skips), chain(*layers, skips=others)) == pytest.approx(distance)


def test_skip_connections_have_a_weight():
  one, other = chain(NARROW, NARROW, skips=[(0, 2)]), chain(NARROW, NARROW)
  assert EditDistance(skip_weight=3).between(one, other) == 3
  with pytest.raises(ValueError, match="skip_weight must be above 0, got 0"):
    EditDistance(skip_weight=0)


@given(layer_graphs(), layer_graphs(), layer_graphs())
@TRIES
def test_it_is_a_metric(one, two, three):
  first, second, third = DISTANCE.between(one, two), DISTANCE.between(two, three), DISTANCE.between(one, three)
  assert DISTANCE.between(two, one) == pytest.approx(first, abs=1e-12)
  assert third <= first + second + 1e-12
  assert DISTANCE.between(one, one) == 0 and (first > 0 or _without_incoming(one) == _without_incoming(two))


@given(layer_graphs(), layer_graphs(), layer_graphs())
@TRIES
def test_many_at_a_time_are_as_one_by_one(one, two, three):
  distance = EditDistance()
  profiles = [distance.profile(graph) for graph in (one, two, three)]
  assert distance.distances(profiles[0], profiles).shape == (3, 1)
  assert distance.distances(profiles[0], profiles)[:, 0] == pytest.approx(
    [DISTANCE.between(one, graph) for graph in (one, two, three)], abs=1e-12
  )


def test_there_are_no_distances_to_nothing():
  assert DISTANCE.distances(DISTANCE.profile(chain()), []).shape == (0, 1)


def _without_incoming(graph):
  layers = [(layer.label, layer.part, 1 if layer.is_end else layer.units) for layer in graph.layers]
  return layers, graph.edges
