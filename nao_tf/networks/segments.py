"""Loops over the steps of a segment, for recurrences that write out their gradient.

A step maps what the input contributes to it, `[B, P]`, and the previous output, `[B, H]`, to the output and a trace: what
its gradient needs, nested tensors. Over time a trace is the same nest of arrays.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

Step = Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, Any]]
"""From what the input contributes and the previous output, to the output and the trace."""
StepBackward = Callable[[Any, tf.Tensor, tf.Tensor], tuple[tf.Tensor, Any]]
"""From a trace, the previous output and the gradient of the output, to the gradient of the previous output and others."""


def run_steps(step: Step, projected: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
  """Returns the outputs of all steps, `[T, B, H]`.

  Args:
    step: step of the recurrence.
    projected: what the inputs contribute, `[T, B, P]`.
    hidden: the output before the segment, `[B, H]`.
  """
  length = tf.shape(projected)[0]

  def advance(
    time: tf.Tensor, hidden: tf.Tensor, outputs: tf.TensorArray
  ) -> tuple[tf.Tensor, tf.Tensor, tf.TensorArray]:
    output, _ = step(projected[time], hidden)
    return time + 1, output, outputs.write(time, output)

  start = (0, hidden, new_array(length, hidden.shape[-1], hidden.dtype))
  return tf.while_loop(lambda time, *_: time < length, advance, start)[2].stack()


def trace_steps(step: Step, projected: tf.Tensor, hidden: tf.Tensor, traces: Any) -> tuple[tf.Tensor, Any]:
  """Returns the outputs of all steps, `[T, B, H]`, and their traces.

  Args:
    step: step of the recurrence.
    projected: what the inputs contribute, `[T, B, P]`.
    hidden: the output before the segment, `[B, H]`.
    traces: new arrays, nested like the trace of a step.
  """
  length = tf.shape(projected)[0]
  inputs = new_array(length, projected.shape[-1], projected.dtype).unstack(projected)

  def advance(
    time: tf.Tensor, hidden: tf.Tensor, outputs: tf.TensorArray, traces: Any
  ) -> tuple[tf.Tensor, tf.Tensor, tf.TensorArray, Any]:
    output, trace = step(inputs.read(time), hidden)
    return time + 1, output, outputs.write(time, output), write_all(traces, time, trace)

  start = (0, hidden, new_array(length, hidden.shape[-1], hidden.dtype), traces)
  _, _, outputs, traces = tf.while_loop(lambda time, *_: time < length, advance, start)
  return outputs.stack(), traces


def go_back(
  step_backward: StepBackward, traces: Any, previous: tf.Tensor, d_outputs: tf.Tensor, gradients: Any
) -> tuple[tf.Tensor, Any]:
  """Goes back through time.

  Args:
    step_backward: step backward of the recurrence.
    traces: from `trace_steps`.
    previous: the outputs before each step, `[T, B, H]`.
    d_outputs: gradients of the outputs, `[T, B, H]`.
    gradients: new arrays for the other gradients of a step, nested like them.

  Returns:
    The gradient with respect to the output before the segment, `[B, H]`, and the arrays of the others.
  """
  length, size, dtype = tf.shape(d_outputs)[0], previous.shape[-1], previous.dtype
  previous_array, d_output_array = (new_array(length, size, dtype).unstack(x) for x in (previous, d_outputs))

  def retreat(time: tf.Tensor, d_hidden: tf.Tensor, gradients: Any) -> tuple[tf.Tensor, tf.Tensor, Any]:
    trace, d_output = read_all(traces, time), d_output_array.read(time) + d_hidden
    d_hidden, of_step = step_backward(trace, previous_array.read(time), d_output)
    return time - 1, d_hidden, write_all(gradients, time, of_step)

  start = (length - 1, tf.zeros_like(previous[0]), gradients)
  _, d_hidden, gradients = tf.while_loop(lambda time, *_: time >= 0, retreat, start)
  return d_hidden, gradients


def outer(left: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
  """Returns the sum over time and batch of the outer products of `[T, B, M]` and `[T, B, N]`, `[M, N]`."""
  left, right = (tf.reshape(tensor, [-1, tensor.shape[-1]]) for tensor in (left, right))
  return tf.matmul(left, right, transpose_a=True)


def new_array(length: tf.Tensor, size: int, dtype: tf.DType = tf.float32) -> tf.TensorArray:
  """Returns an array over time of tensors `[B, size]`."""
  return tf.TensorArray(dtype, length, element_shape=[None, size], clear_after_read=False)


def write_all(arrays: Any, time: tf.Tensor, values: Any) -> Any:
  """Writes values into arrays at one time and returns the arrays. Both are nested in the same way."""
  return tf.nest.map_structure(lambda array, value: array.write(time, value), arrays, values)


def read_all(arrays: Any, time: tf.Tensor) -> Any:
  """Returns the values of nested arrays at one time, nested in the same way."""
  return tf.nest.map_structure(lambda array: array.read(time), arrays)
