"""What every test module does beside its tests."""

import gc

import pytest
import tensorflow as tf
from tensorflow.python.data.ops import dataset_ops
from tensorflow.python.framework import config
from tensorflow.python.ops import gen_resource_variable_ops
from tensorflow.python.util import tf_stack

from nao_tf.training.fixed_parallelism import with_fixed_parallelism
from nao_tf.training.graph_memory import released_graphs
from tests.support.determinism import deterministic
from tests.support.without_graphs import without_graphs

tf.config.threading.set_intra_op_parallelism_threads(1)  # Networks are tiny, and tests run side by side.


@pytest.fixture(scope="session", autouse=True)
def what_was_imported_is_not_garbage():
  """Saves looking at hundreds of thousands of objects that stay, in every collection of garbage."""
  gc.collect()
  gc.freeze()
  gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="session", autouse=True)
def variables_of_one_shape_share_a_kernel():
  """Saves what takes longest about a variable: otherwise the first one of every name and shape has a kernel made.

  The name in question is that which TensorFlow itself mentions in its errors. Variables keep their names.
  """
  make_handle = gen_resource_variable_ops.var_handle_op

  def make_nameless_handle(*args, debug_name="", **kwargs):
    return make_handle(*args, debug_name="" if tf.executing_eagerly() else debug_name, **kwargs)

  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(gen_resource_variable_ops, "var_handle_op", make_nameless_handle)
    yield


@pytest.fixture(scope="session", autouse=True)
def operations_do_not_remember_where_they_were_made():
  """Saves walking the whole stack, deep under pytest, for every operation of every graph. Errors alone mention it."""
  stack = tf_stack.extract_stack()
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(tf_stack, "extract_stack", lambda stacklevel=1: stack)
    yield


@pytest.fixture(scope="session", autouse=True)
def iterators_end_at_once():
  """Saves waiting for those that Keras makes; this package itself sees to its own."""
  make_iterator = dataset_ops.DatasetV2.__iter__
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(dataset_ops.DatasetV2, "__iter__", lambda dataset: make_iterator(with_fixed_parallelism(dataset)))
    yield


@pytest.fixture
def no_graphs():
  """Runs compiled functions operation by operation: a few small steps are over before a graph of them is traced."""
  with without_graphs():
    yield


@pytest.fixture(scope="module")
def deterministic_operations():
  """Lets a module compare bits: operations add up numbers in the same order every time."""
  with deterministic():
    yield


@pytest.fixture(scope="module")
def no_graphs_in_the_module():
  """Does so in the fixtures of the module, too."""
  with without_graphs():
    yield


@pytest.fixture(scope="module", autouse=True)
def graphs_of_a_module_are_released():
  """Keeps the process small: with gigabytes of graphs, every collection of garbage takes a while."""
  with released_graphs():
    yield


@pytest.fixture(scope="module", autouse=True)
def determinism_ends_with_its_module():
  """Leaves other modules their random operations: a tool that a test runs may make its whole process deterministic."""
  yield
  config.disable_op_determinism()


@pytest.fixture(autouse=True)
def graphs_that_run_a_few_times_are_not_optimized(request):
  """Saves what takes longest about such a graph.

  Slow tests, those that are marked as optimized, and programs that tests start, run graphs as users do.
  """
  is_quick = not any(request.node.get_closest_marker(name) for name in ("slow", "optimized"))
  tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": is_quick})
