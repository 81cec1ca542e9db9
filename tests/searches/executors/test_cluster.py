"""A search on three nodes of Ray: one is killed, one joins, the head is lost, and the same command goes on elsewhere."""

import importlib.util

import pytest

from tests.support import ray_cluster

needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")


@needs_ray
@pytest.mark.slow
def test_nothing_that_is_finished_is_lost_or_repeated_when_nodes_and_the_head_are(tmp_path):
  steps = ray_cluster.main(str(tmp_path))
  assert steps["three nodes"]["at a time"] == 3
  for figures in list(steps.values())[1:]:
    assert figures["lost"] == figures.get("repeated", 0) == 0
  assert steps["a node is killed"]["begun again"] >= 1 and steps["a node is killed"]["at a time"] == 2
  assert steps["a node joins"]["at a time"] == 3 and steps["the head is lost"]["status"] != 0
  last = steps["the same command on a new cluster"]
  assert last["status"] == last["open"] == last["failed"] == 0
  assert last["closed"] == last["different"] == ray_cluster.NUM_TRIALS
