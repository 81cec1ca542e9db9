import pytest

from nao_tf.networks.operations import OPERATIONS
from nao_tf.spaces.operation_names import FAMILIES, OTHER, family_of, kernel_size_of


def test_every_operation_has_a_family_and_unknown_ones_have_the_last():
  assert {family_of(name) for name in OPERATIONS if name != "zero"} < set(FAMILIES) - {OTHER}
  assert family_of("my_operation") == OTHER


@pytest.mark.parametrize(
  "name, size",
  [("sep5x5", 5), ("conv1x7_7x1", 7), ("nor_conv_3x3", 3), ("conv1x1-bn-relu", 1), ("identity", 0), ("tanh", 0)],
)
def test_the_size_of_a_kernel_is_its_longer_side(name, size):
  assert kernel_size_of(name) == size
