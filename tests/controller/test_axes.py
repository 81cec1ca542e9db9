"""Merging leading axes and restoring them."""

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.controller.axes import fold, shape_of, unfold


def numbered(*shape):
  return np.arange(np.prod(shape, dtype=int)).reshape(shape)


@pytest.mark.parametrize("shape", [(4, 5), (3, 4, 5), (2, 3, 4, 5)])
def test_a_single_controller_has_all_leading_axes_merged(shape):
  folded = fold(tf.constant(numbered(*shape)), (), 1)
  np.testing.assert_array_equal(folded, numbered(*shape).reshape(-1, 5))


def test_the_axis_of_an_ensemble_comes_first():
  tensor = numbered(3, 2, 4, 5)  # [more, ensemble, B, inner]
  folded = fold(tf.constant(tensor), (2,), 1)
  assert folded.shape == (2, 12, 5)
  for number in range(2):
    np.testing.assert_array_equal(folded[number], tensor[:, number].reshape(-1, 5))


@pytest.mark.parametrize(
  "prefix, leading", [((), (4,)), ((), (3, 4)), ((2,), (2, 4)), ((2,), (3, 2, 4)), ((2,), (6, 3, 2, 4))]
)
@pytest.mark.parametrize("inner", [(), (5,), (5, 6)])
def test_unfold_undoes_fold(prefix, leading, inner):
  tensor = tf.constant(numbered(*leading, *inner))
  folded = fold(tensor, prefix, len(inner))
  assert folded.shape.rank == len(prefix) + 1 + len(inner)
  np.testing.assert_array_equal(unfold(folded, prefix, shape_of(tensor)[: len(leading)]), tensor)


def test_sizes_that_a_graph_does_not_know_are_tensors():
  @tf.function(input_signature=[tf.TensorSpec([None, 3])])
  def last_two(tensor):
    rows, columns = shape_of(tensor)
    assert columns == 3 and tf.is_tensor(rows)
    return rows, columns

  assert [int(size) for size in last_two(tf.zeros([7, 3]))] == [7, 3]
