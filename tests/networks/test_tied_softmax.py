import numpy as np
import tensorflow as tf

from nao_tf.networks import tied_softmax

ROWS, UNITS, WORDS = 7, 3, 11


def operands(scale=1.0):
  rng = np.random.default_rng(0)
  hidden, table, bias = (
    rng.normal(size=s).astype(np.float32) * scale for s in ((ROWS, UNITS), (WORDS, UNITS), (WORDS,))
  )
  return [tf.constant(x) for x in (hidden, table, bias)], tf.constant(rng.integers(0, WORDS, ROWS), tf.int32)


def reference(hidden, table, bias, targets):
  return tf.nn.sparse_softmax_cross_entropy_with_logits(targets, tf.matmul(hidden, table, transpose_b=True) + bias)


def test_it_is_the_cross_entropy_of_the_softmax():
  sources, targets = operands()
  np.testing.assert_allclose(tied_softmax.cross_entropies(*sources, targets), reference(*sources, targets), rtol=1e-5)


def test_its_gradient_is_that_of_automatic_differentiation():
  sources, targets = operands()
  weights = tf.linspace(-1.0, 2.0, ROWS)
  found = []
  for function in (tied_softmax.cross_entropies, reference):
    with tf.GradientTape() as tape:
      tape.watch(sources)
      loss = tf.reduce_sum(weights * function(*sources, targets))
    found.append(tape.gradient(loss, sources))
  for ours, automatic in zip(*found):
    np.testing.assert_allclose(ours, automatic, rtol=1e-4, atol=1e-5)


def test_a_target_that_comes_twice_counts_twice():
  sources, _ = operands()
  targets = tf.zeros([ROWS], tf.int32)
  with tf.GradientTape() as tape:
    tape.watch(sources)
    loss = tf.reduce_sum(tied_softmax.cross_entropies(*sources, targets))
  probabilities = tf.nn.softmax(tied_softmax.logits(*sources))
  np.testing.assert_allclose(tape.gradient(loss, sources)[2][0], tf.reduce_sum(probabilities[:, 0]) - ROWS, rtol=1e-4)


def test_large_scores_do_not_overflow():
  sources, targets = operands(scale=60.0)
  losses = tied_softmax.cross_entropies(*sources, targets)
  np.testing.assert_allclose(losses, reference(*sources, targets), rtol=1e-4, atol=1e-3)
