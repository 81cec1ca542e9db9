"""The classifier and the auxiliary head."""

import numpy as np
import pytest

from nao_tf.networks.conventions import CONVENTIONS
from nao_tf.networks.heads import AuxiliaryHead, ClassifierHead

NAO, WS, TORCH = (CONVENTIONS[name] for name in ("nao", "nao_ws", "torch"))


def built(layer, *shape):
  layer.build((None, *shape))
  return layer


def features(*shape, seed=0):
  return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("convention", [NAO, WS, TORCH])
def test_logits_are_those_of_the_mean_feature(convention):
  head, x = built(ClassifierHead(3, 1.0, convention, 0), 4, 4, 5), features(2, 4, 4, 5)
  pooled = (np.maximum(x, 0) if convention.head_relu else x).mean((1, 2))
  np.testing.assert_allclose(head(x), pooled @ np.array(head.dense.kernel), atol=1e-5)
  assert len(head.weights) == (2 if convention.classifier_bias else 1)


def test_the_gain_is_of_the_first_kernel_s_variance():
  large, small = (built(ClassifierHead(10, 1.0, NAO, 0, gain=gain), 1, 1, 96).dense.kernel for gain in (1.0, 0.01))
  np.testing.assert_allclose(0.1 * np.array(large), small, rtol=1e-4)


def test_dropout_is_a_function_of_its_seed_and_off_without():
  head, x = built(ClassifierHead(3, 0.5, NAO, 0), 4, 4, 64), features(2, 4, 4, 64)
  plain, *dropped = (head(x, dropout_seed=seed).numpy() for seed in (None, (1, 1), (1, 1), (1, 2)))
  np.testing.assert_array_equal(dropped[0], dropped[1])
  assert np.abs(dropped[0] - dropped[2]).max() > 1e-3 and np.abs(dropped[0] - plain).max() > 1e-3


def test_auxiliary_parameters_on_cifar_by_hand():
  head = built(AuxiliaryHead(10, 3, NAO, 0), 8, 8, 432)
  expected = 432 * 128 + 2 * 128 + 2 * 2 * 128 * 768 + 2 * 768 + 768 * 10 + 10
  assert sum(int(np.prod(w.shape)) for w in head.trainable_weights) == expected == 11_981_208 - 11_523_214


@pytest.mark.parametrize("length", [1, 2, 4, 5, 7, 8])
def test_the_auxiliary_head_fits_every_map(length):
  head = built(AuxiliaryHead(10, 3, NAO, 0), length, length, 6)
  assert tuple(head(features(2, length, length, 6), training=True).shape) == (2, 10)
  assert head.window == (min(5, length),) * 2
