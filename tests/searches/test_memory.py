import pytest

from nao_tf.searches.memory import check_memory, check_network_memory, total_memory
from nao_tf.tasks import make_task
from tests.support.tiny_cells import TinyCells


def test_networks_that_need_more_than_there_is_are_refused():
  task = make_task("digits")
  check_memory(TinyCells(), task, task.child, available=2**40)
  message = (
    "even the smallest of 10 random networks needs .* GiB .* machine has 0.000977 GiB; .*num_cells=3, filters=32"
  )
  with pytest.raises(ValueError, match="digits: " + message):
    check_memory(TinyCells(), task, task.child, available=2**20)


def test_a_single_network_that_needs_more_is_refused():
  task, space = make_task("digits"), TinyCells()
  genotype = space.decode(next(iter(space.enumerate())))
  check_network_memory(genotype, task, task.child, available=2**40)
  with pytest.raises(
    ValueError, match="digits: the network needs .* GiB .* this machine has 0.000977 GiB; .*filters=32"
  ):
    check_network_memory(genotype, task, task.child, available=2**20)


def test_the_memory_of_this_machine_is_known():
  assert total_memory() > 2**28
