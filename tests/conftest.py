"""What every test module does beside its tests."""

import pytest
import tensorflow as tf

from nao_tf.training.graph_memory import released_graphs

tf.config.threading.set_intra_op_parallelism_threads(1)  # Networks are tiny, and tests run side by side.


@pytest.fixture(scope="module", autouse=True)
def graphs_of_a_module_are_released():
  """Keeps the process small: with gigabytes of graphs, every collection of garbage takes a while."""
  with released_graphs():
    yield


@pytest.fixture(autouse=True)
def graphs_that_run_a_few_times_are_not_optimized(request):
  """Saves what takes longest about such a graph.

  Slow tests, those that are marked as optimized, and programs that tests start, run graphs as users do.
  """
  is_quick = not any(request.node.get_closest_marker(name) for name in ("slow", "optimized"))
  tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": is_quick})
