"""Loops over the steps of a segment: the output of a step is its input and half of the output before it."""

import numpy as np
import tensorflow as tf

from nao_tf.networks.segments import go_back, new_array, outer, run_steps, trace_steps

INPUTS = tf.constant([[[1.0]], [[2.0]], [[3.0]]])
HIDDEN = tf.constant([[4.0]])


def step(projected, hidden):
  return projected + 0.5 * hidden, {"read": hidden}


def test_each_step_reads_the_output_before_it():
  np.testing.assert_allclose(tf.reshape(run_steps(step, INPUTS, HIDDEN), [-1]), [3.0, 3.5, 4.75])


def test_traces_are_kept_for_each_step():
  outputs, traces = trace_steps(step, INPUTS, HIDDEN, {"read": new_array(3, 1)})
  np.testing.assert_array_equal(outputs, run_steps(step, INPUTS, HIDDEN))
  np.testing.assert_allclose(tf.reshape(traces["read"].stack(), [-1]), [4.0, 3.0, 3.5])


def test_gradients_are_those_of_all_later_outputs():
  outputs, traces = trace_steps(step, INPUTS, HIDDEN, {"read": new_array(3, 1)})
  previous, seen = tf.concat([HIDDEN[None], outputs[:-1]], 0), []

  def step_backward(trace, before, d_output):
    seen.append((float(trace["read"][0, 0]), float(before[0, 0])))
    return 0.5 * d_output, [d_output]

  d_hidden, (d_inputs,) = go_back(step_backward, traces, previous, tf.ones_like(outputs), [new_array(3, 1)])
  np.testing.assert_allclose(tf.reshape(d_inputs.stack(), [-1]), [1.75, 1.5, 1.0])
  assert float(d_hidden[0, 0]) == 0.875
  assert seen == [(3.5, 3.5), (3.0, 3.0), (4.0, 4.0)]


def test_outer_products_are_added_up_over_time_and_batch():
  rng = np.random.default_rng(0)
  left, right = rng.normal(size=(3, 2, 4)), rng.normal(size=(3, 2, 5))
  np.testing.assert_allclose(outer(tf.constant(left), tf.constant(right)), np.einsum("tbm,tbn->mn", left, right))
