"""Pixels: which numbers the images of a set are made of, and the one place where they become floats in 0..255.

Images stay in memory as they are stored, and are scaled batch by batch. What the numbers mean follows from their type if
it is `bool`, `uint8` or `uint16`. For all other types it is the narrowest of the usual ranges (0..1, 0..255, 0..65535)
that holds all training images, or else the range of the training images itself.
"""

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np
import tensorflow as tf

_OF_TYPE = {"bool": (0.0, 1.0), "uint8": (0.0, 255.0), "uint16": (0.0, 65535.0)}
_USUAL = tuple(_OF_TYPE.values())
_WIDE_INTEGERS = ("int32", "uint32", "int64", "uint64")
_TYPES = (*_OF_TYPE, "int8", "int16", *_WIDE_INTEGERS, "float16", "float32")


@dataclasses.dataclass(frozen=True)
class Pixels:
  """What the pixels of a set of images are.

  Attributes:
    dtype: name of the type that they are stored as, such as "uint8".
    low: the value that becomes 0, black.
    high: the value that becomes 255, white.
  """

  dtype: str = "uint8"
  low: float = 0.0
  high: float = 255.0

  def __post_init__(self) -> None:
    if self.dtype not in _TYPES:
      raise ValueError(f"the type of pixels must be one of {', '.join(_TYPES)}, got {self.dtype!r}")
    if not self.low < self.high:
      raise ValueError(f"the range of pixels must not be empty, got {self.low} to {self.high}")

  @classmethod
  def from_json(cls, value: Any, place: str) -> "Pixels":
    """Returns the pixels that `dataclasses.asdict` wrote.

    Args:
      value: a JSON value.
      place: where it is from, for messages.

    Raises:
      ValueError: if it is something else.
    """
    if not isinstance(value, dict) or sorted(value) != ["dtype", "high", "low"]:
      raise ValueError(f"{place}: expected dtype, low and high of pixels, got {value!r}")
    try:
      return cls(value["dtype"], float(value["low"]), float(value["high"]))
    except (TypeError, ValueError) as error:
      raise ValueError(f"{place}: {error}") from error

  def __str__(self) -> str:
    """Returns type and range in words."""
    return f"{self.dtype} in {self.low:g}..{self.high:g}"

  def scaled(self, images: tf.Tensor) -> tf.Tensor:
    """Returns images of any type in the range of these pixels as float32 in 0..255."""
    if (self.low, self.high) == _OF_TYPE["uint8"]:
      return tf.cast(images, tf.float32)
    exact = tf.float64 if images.dtype.name in _WIDE_INTEGERS else tf.float32
    return tf.cast((tf.cast(images, exact) - self.low) * (255.0 / (self.high - self.low)), tf.float32)


BYTES = Pixels()
"""The pixels of most sets of images."""


def pixels_of_type(dtype: str) -> Pixels | None:
  """Returns the pixels of a type that says what they mean; None if only the images tell."""
  return Pixels(dtype, *_OF_TYPE[dtype]) if dtype in _OF_TYPE else None


def measured_pixels(batches: Iterable[np.ndarray]) -> Pixels:
  """Returns the pixels of training images.

  Args:
    batches: arrays of finite numbers, all of one type.

  Raises:
    ValueError: if there is no batch.
  """
  extremes = [(batch.dtype.name, float(batch.min()), float(batch.max())) for batch in batches if batch.size]
  if not extremes:
    raise ValueError("the range of pixels cannot be measured without an image")
  dtype, low, high = extremes[0][0], min(low for _, low, _ in extremes), max(high for _, _, high in extremes)
  fitting = [usual for usual in _USUAL if usual[0] <= low and high <= usual[1]]
  if fitting:
    return Pixels(dtype, *fitting[0])
  return Pixels(dtype, low, high if high > low else low + 1.0)
