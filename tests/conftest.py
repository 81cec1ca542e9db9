"""What every test module does beside its tests."""

import pytest

from nao_tf.training.graph_memory import released_graphs


@pytest.fixture(scope="module", autouse=True)
def graphs_of_a_module_are_released():
  """Keeps the process small: with gigabytes of graphs, every collection of garbage takes a while."""
  with released_graphs():
    yield
