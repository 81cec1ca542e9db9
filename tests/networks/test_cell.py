"""Cells: nodes, calibration, loose ends and drop-path."""

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.networks import cell as cells
from nao_tf.networks.conventions import CONVENTIONS
from nao_tf.spaces.genotypes import Branch, Cell, Node

NAO, WS, TORCH = (CONVENTIONS[name] for name in ("nao", "nao_ws", "torch"))
FILTERS = 4


def node(left, source_left, right, source_right):
  return Node(Branch(left, source_left), Branch(right, source_right))


SUM = Cell((node("identity", 0, "identity", 1),))
CHAIN = Cell((node("identity", 0, "max3x3", 0), node("avg3x3", 2, "zero", 2)))
CONVOLUTIONS = Cell((node("conv3x3", 0, "sep3x3", 1), node("conv1x1", 0, "identity", 2)))


def make(cell, convention=TORCH, *, previous=(6, 6, FILTERS), current=(6, 6, FILTERS), **options):
  layer = cells.Cell(cell, FILTERS, convention, 0, **options)
  layer.build(((None, *previous), (None, *current)))
  return layer


def images(*shape, seed=0):
  return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def inputs(length=6):
  return images(2, length, length, FILTERS), images(2, length, length, FILTERS, seed=1)


def num_parameters(layer):
  return sum(int(np.prod(weight.shape)) for weight in layer.trainable_weights)


def test_a_node_is_the_sum_of_its_branches():
  x = inputs()
  np.testing.assert_array_equal(make(SUM)(x), x[0] + x[1])


def test_the_output_concatenates_the_loose_ends_in_order_unread_inputs_included():
  x = inputs()
  outputs = make(CHAIN)(x).numpy()
  assert CHAIN.loose_ends == (1, 3)
  np.testing.assert_array_equal(outputs[..., :FILTERS], x[1])
  np.testing.assert_allclose(
    outputs[..., FILTERS:], tf.nn.avg_pool2d(x[0] + tf.nn.max_pool2d(x[0], 3, 1, "SAME"), 3, 1, "SAME"), rtol=1e-5
  )


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("reduction", [False, True])
@pytest.mark.parametrize("previous", [(6, 6, 4), (6, 6, 7), (12, 12, 4), (11, 11, 7)])
def test_the_shape_is_what_the_layer_says(convention, reduction, previous):
  for cell in (SUM, CHAIN, CONVOLUTIONS):
    layer = make(cell, CONVENTIONS[convention], previous=previous, current=(6, 6, 5), reduction=reduction)
    x = images(2, *previous), images(2, 6, 6, 5)
    outputs = layer(x, training=True)
    length = 3 if reduction else 6
    assert tuple(outputs.shape) == (2, length, length, FILTERS * len(cell.loose_ends))
    assert tuple(layer.compute_output_shape([a.shape for a in x])) == tuple(outputs.shape)


PROJECTION = FILTERS * FILTERS + 2 * FILTERS


@pytest.mark.parametrize(
  ("convention", "previous", "current", "expected"),
  [
    (TORCH, (6, 6, FILTERS), (6, 6, FILTERS), 0),
    (TORCH, (6, 6, 7), (6, 6, 9), (7 + 9) * FILTERS + 4 * FILTERS),
    (TORCH, (12, 12, FILTERS), (6, 6, FILTERS), PROJECTION),
    (NAO, (6, 6, FILTERS), (6, 6, FILTERS), PROJECTION),
    (WS, (6, 6, FILTERS), (6, 6, FILTERS), 2 * PROJECTION),
  ],
)
def test_inputs_are_calibrated_as_the_convention_says(convention, previous, current, expected):
  assert num_parameters(make(SUM, convention, previous=previous, current=current)) == expected


def test_a_raw_input_is_calibrated_only_as_a_loose_end():
  unread = Cell((node("max3x3", 1, "identity", 1),))
  layer = make(unread, TORCH, previous=(6, 6, 12), raw_previous=True)
  assert num_parameters(layer) == 12 * FILTERS + 2 * FILTERS
  assert layer((images(2, 6, 6, 12), images(2, 6, 6, FILTERS))).shape[-1] == 2 * FILTERS


def test_a_loose_input_of_a_reduction_cell_is_reduced():
  assert num_parameters(make(CHAIN, TORCH, reduction=True)) == 2 * PROJECTION  # input 1, and the identity on input 0


def test_only_operations_on_inputs_are_strided():
  layer = make(CONVOLUTIONS, TORCH, reduction=True)
  assert [operation.compute_output_shape((2, 6, 6, FILTERS))[1] for operation in layer.operations] == [3, 3, 3, 6]


def test_a_cell_is_a_function_of_its_seed():
  first, second = (make(CONVOLUTIONS, NAO)(inputs()).numpy() for _ in range(2))
  np.testing.assert_array_equal(first, second)


def test_no_two_kernels_of_a_cell_start_alike():
  twins = Cell((node("conv3x3", 0, "conv3x3", 1), node("conv3x3", 0, "conv3x3", 1)))
  kernels = [w.numpy() for w in make(twins).trainable_weights if len(w.shape) == 4]
  assert len({kernel.tobytes() for kernel in kernels}) == len(kernels) == 4


def test_an_unknown_operation_is_named():
  with pytest.raises(ValueError, match=r"unknown operation 'conv9x9' .* known are identity, "):
    make(Cell((node("conv9x9", 0, "identity", 1),)))


def test_drop_path_keeps_the_expectation():
  """The mean of n = 40000 factors 0 or 1 / p has sigma sqrt((1 / p - 1) / n) = 0.0041 at p = 0.6; bound: 5 sigma."""
  masks = cells.drop_path_masks(10, 4000, 0.6, (1, 2)).numpy()
  assert set(np.unique(masks)) == {np.float32(0), np.float32(1) / np.float32(0.6)}
  assert masks.shape == (10, 4000, 1, 1, 1)
  assert masks.mean() == pytest.approx(1.0, abs=5 * 0.0041)


def test_drop_path_is_independent_between_branches_and_samples():
  """Correlations of n = 4000 pairs have sigma 1 / sqrt(n) = 0.016; bound: 5 sigma."""
  masks = cells.drop_path_masks(4, 4000, 0.5, (3, 4)).numpy()[..., 0, 0, 0]
  assert np.abs(np.corrcoef(masks) - np.eye(4)).max() < 0.08
  assert abs(np.corrcoef(masks[0, 1:], masks[0, :-1])[0, 1]) < 0.08


def test_drop_path_is_a_function_of_its_seed_and_off_at_one():
  first, second, third = (cells.drop_path_masks(4, 50, 0.5, seed).numpy() for seed in ((1, 2), (1, 2), (1, 3)))
  np.testing.assert_array_equal(first, second)
  assert np.any(first != third)
  np.testing.assert_array_equal(cells.drop_path_masks(4, 50, 1.0, (1, 2)), 1.0)


def test_masks_scale_each_sample_of_a_branch_but_identities_only_where_the_convention_says_so():
  x, masks = inputs(), np.zeros((2, 2, 1, 1, 1), np.float32)
  masks[:, 0] = 2.0
  mixed = Cell((node("max3x3", 0, "identity", 1),))
  pooled = tf.nn.max_pool2d(x[0], 3, 1, "SAME").numpy()
  dropped = make(mixed, TORCH)(x, masks=masks).numpy()
  np.testing.assert_allclose(dropped[0], 2 * pooled[0] + 2 * x[1][0], rtol=1e-5)
  np.testing.assert_array_equal(dropped[1], 0.0)
  kept = make(mixed, WS, raw_previous=True)
  both, none = kept(x, masks=masks).numpy(), kept(x).numpy()
  np.testing.assert_allclose(both[0] - none[0], pooled[0], atol=1e-5)
  np.testing.assert_allclose(none[1] - both[1], pooled[1], atol=1e-5)
