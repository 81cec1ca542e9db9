"""The form in which decoded photographs are kept in files: a header with class, height and width, then the pixels."""

import struct

import numpy as np
import tensorflow as tf

START = b"NAOP"
"""The first bytes of such a file."""

_HEADER = struct.Struct("<4s3i48x")
"""TensorFlow can take the pixels out of the content without a copy if they begin at a multiple of 64 bytes."""

_INTEGERS_BYTES = 12


def encoded(pixels: np.ndarray, label: int) -> bytes:
  """Returns the content of a file.

  Args:
    pixels: of a photograph, uint8 `[H, W, 3]`.
    label: its class.
  """
  return _HEADER.pack(START, label, *pixels.shape[:2]) + pixels.tobytes()


def label_of(content: tf.Tensor) -> tf.Tensor:
  """Returns the class in the content of a file, an int32."""
  return _integers(content)[0]


def pixels_of(content: tf.Tensor) -> tf.Tensor:
  """Returns the pixels in the content of a file, uint8 `[H, W, 3]`."""
  values = tf.io.decode_raw(content, tf.uint8)[_HEADER.size :]
  return tf.ensure_shape(tf.reshape(values, tf.concat([_integers(content)[1:], [3]], 0)), (None, None, 3))


def is_whole(content: tf.Tensor) -> tf.Tensor:
  """Returns whether the content of a file has as many pixels as its header says."""
  return tf.strings.length(content) == _HEADER.size + 3 * tf.reduce_prod(_integers(content)[1:])


def _integers(content: tf.Tensor) -> tf.Tensor:
  """Returns class, height and width; of a file that is too short, zeros for what is missing."""
  padded = tf.strings.join([tf.strings.substr(content, 0, _HEADER.size), b"\0" * _HEADER.size])
  return tf.io.decode_raw(tf.strings.substr(padded, len(START), _INTEGERS_BYTES), tf.int32)
