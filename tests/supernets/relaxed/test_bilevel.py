"""The gradients of DARTS, on losses whose derivatives are known."""

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.supernets.relaxed.bilevel import (
  WeightStep,
  first_order_gradient,
  mixed_product,
  second_order_gradient,
)


def toy_training(weights, alpha):
  return weights[0] ** 2 - 2.0 * alpha * weights[0] + alpha**2


def toy_validation(weights, alpha):
  return alpha * weights[0] - 2.0 * alpha + 1.0


def descend(rate, rounds=3000, size=0.05):
  """Alternates the steps of the paper's example (appendix A); returns alpha and w."""
  alpha, weight = tf.constant(2.0, tf.float64), tf.constant(-2.0, tf.float64)

  @tf.function
  def both(alpha, weight):
    step = WeightStep(tf.constant(rate, tf.float64))
    alpha -= size * second_order_gradient(alpha, [weight], step, training=toy_training, validation=toy_validation)
    return alpha, weight - size * 2.0 * (weight - alpha)

  for _ in range(rounds):
    alpha, weight = both(alpha, weight)
  return float(alpha), float(weight)


@pytest.mark.parametrize("rate, fixed_point", [(0.0, 2.0), (0.25, 4.0 / 3.0), (0.5, 1.0)])
def test_the_example_of_the_paper_ends_at_its_fixed_point(rate, fixed_point):
  np.testing.assert_allclose(descend(rate), (fixed_point, fixed_point), atol=1e-6)


def quadratic(seed=0, size=6, num_parameters=4):
  rng = np.random.default_rng(seed)
  inner, mixed = rng.normal(size=(size, size)), tf.constant(rng.normal(size=(size, num_parameters)))
  inner = tf.constant(inner @ inner.T / size)

  def training(weights, alpha):
    (weight,) = weights
    return 0.5 * tf.tensordot(weight, tf.linalg.matvec(inner, weight), 1) + tf.tensordot(
      weight, tf.linalg.matvec(mixed, tf.sin(alpha)), 1
    )

  return training, tf.constant(rng.normal(size=size)), tf.constant(rng.normal(size=num_parameters)), rng


def test_the_difference_is_the_product_with_the_matrix_of_second_derivatives():
  training, weight, alpha, rng = quadratic()
  direction = tf.constant(rng.normal(size=weight.shape))
  with tf.GradientTape() as outer:
    outer.watch(alpha)
    with tf.GradientTape() as inner:
      inner.watch(weight)
      loss = training([weight], alpha)
    product = tf.tensordot(inner.gradient(loss, weight), direction, 1)
  exact = outer.gradient(product, alpha)
  np.testing.assert_allclose(mixed_product(alpha, [weight], [direction], training), exact, rtol=1e-3)


def test_the_second_order_gradient_is_that_of_the_loss_after_the_step():
  training, weight, alpha, rng = quadratic(1)
  last = tf.constant(rng.normal(size=weight.shape))
  step = WeightStep(0.1, momentum=0.9, last=[last], decay=0.03)

  def validation(weights, alpha):
    return tf.reduce_sum(tf.cos(weights[0])) * tf.reduce_sum(alpha**2)

  with tf.GradientTape() as outer:
    outer.watch(alpha)
    with tf.GradientTape() as inner:
      inner.watch(weight)
      loss = training([weight], alpha)
    after = step.moved([weight], [inner.gradient(loss, weight)])
    value = validation(after, alpha)
  exact = outer.gradient(value, alpha)
  found = second_order_gradient(alpha, [weight], step, training=training, validation=validation)
  np.testing.assert_allclose(found, exact, rtol=1e-3)


@pytest.mark.parametrize("share", [0.2, 2.0])
def test_a_step_that_clips_also_clips_the_direction_of_the_second_part(share):
  """The training loss has no gradient with respect to the weights, so that the step itself has nothing to clip."""
  _, weight, alpha, rng = quadratic(4)
  mixed = tf.constant(rng.normal(size=(weight.shape[0], alpha.shape[0])))
  slope, origin = tf.constant(rng.normal(size=weight.shape)), tf.identity(alpha)

  def training(weights, parameters):
    return tf.tensordot(weights[0], tf.linalg.matvec(mixed, parameters - origin), 1)

  def validation(weights, parameters):
    return tf.tensordot(slope, weights[0], 1) + tf.reduce_sum(parameters)

  step = WeightStep(0.5, clip_norm=share * float(tf.norm(slope)))
  found = second_order_gradient(alpha, [weight], step, training=training, validation=validation)
  clipped = min(share, 1.0) * slope
  np.testing.assert_allclose(found, 1.0 - 0.5 * tf.linalg.matvec(mixed, clipped, transpose_a=True), rtol=1e-6)


def test_without_a_step_both_orders_agree():
  training, weight, alpha, _ = quadratic(2)

  def validation(weights, alpha):
    return tf.reduce_sum(weights[0] ** 2) * tf.reduce_sum(tf.exp(alpha))

  found = second_order_gradient(alpha, [weight], WeightStep(0.0), training=training, validation=validation)
  np.testing.assert_allclose(found, first_order_gradient(alpha, [weight], validation))


def test_a_direction_of_zero_gives_zero():
  training, weight, alpha, _ = quadratic(3)
  assert not np.any(mixed_product(alpha, [weight], [tf.zeros_like(weight)], training))
