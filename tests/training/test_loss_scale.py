"""Tests of losses that are scaled, and of those that are not."""

import pytest
import tensorflow as tf
from tensorflow import keras

from nao_tf.training.loss_scale import LossScale, NoLossScale, make_loss_scale


@pytest.mark.parametrize("mixed_precision", ["none", "bfloat16"])
def test_only_float16_scales_its_loss(mixed_precision):
  assert isinstance(make_loss_scale(mixed_precision), NoLossScale)
  assert isinstance(make_loss_scale("float16"), LossScale)


@pytest.mark.parametrize("scale", [NoLossScale(), LossScale(initial=1024.0)], ids=["none", "scaled"])
def test_a_gradient_of_the_scaled_loss_is_that_of_the_loss(scale):
  weight = tf.Variable([2.0, -1.0])
  with tf.GradientTape() as tape:
    loss = scale.scaled(tf.reduce_sum(weight**2))
  (gradient,) = scale.unscaled([tape.gradient(loss, weight)])
  tf.debugging.assert_near(gradient, [4.0, -2.0])


def test_a_step_is_made_without_a_scale():
  weight = tf.Variable([2.0])
  optimizer = keras.optimizers.SGD(0.5)
  made = NoLossScale().apply(optimizer, [tf.constant([2.0])], [weight])
  assert bool(made) and float(weight[0]) == 1.0


def test_a_checkpoint_has_the_factor_of_a_scaled_loss_only():
  scale = LossScale()
  assert NoLossScale().state == {} and scale.state == {"loss_scale": scale}
