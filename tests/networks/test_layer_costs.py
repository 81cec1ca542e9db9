"""The arithmetic of costs."""

import pytest

from nao_tf.networks.layer_costs import Cost, conv_norm, dense, in_sequence, separable_conv_norm


def test_a_convolution():
  cost = conv_norm((7, 6, 3), 5, (2, 1), (3, 2))
  assert cost == Cost((4, 6, 5), 3 * 2 * 3 * 5 + 2 * 5, 4 * 6 * 3 * 2 * 3 * 5, written=4 * 6 * 5)


def test_a_separable_convolution_also_writes_what_is_between_its_two():
  cost = separable_conv_norm((8, 8, 3), 5, 2, 3)
  kernels = 3 * 3 * 3 + 3 * 5
  assert cost == Cost((4, 4, 5), kernels + 2 * 5, 16 * kernels, written=16 * 3 + 16 * 5)


def test_a_dense_layer():
  assert dense(6, 4, bias=True) == Cost((1, 1, 4), 28, 24, 4)
  assert dense(6, 4, bias=False).parameters == 24


def test_layers_in_a_row_need_no_more_than_two_maps_at_a_time():
  layers = [lambda shape, filters=filters: conv_norm(shape, filters) for filters in (8, 2, 4)]
  cost = in_sequence((1, 1, 3), layers)
  assert cost == Cost((1, 1, 4), 24 + 16 + 8 + 2 * (8 + 2 + 4), 24 + 16 + 8, written=8 + 2)
  assert in_sequence((2, 2, 3), []) == Cost((2, 2, 3))


def test_windows_must_fit_into_an_image_that_is_not_padded():
  assert conv_norm((3, 3, 1), 1, (2, 2), (3, 3), valid=True).shape == (1, 1, 1)
  with pytest.raises(ValueError, match="a convolution of size 3x3 needs images of at least that size, got 2x5"):
    conv_norm((2, 5, 1), 1, (2, 2), (3, 3), valid=True)
