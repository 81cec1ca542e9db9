"""The type and value range of image pixels, and their conversion to floats in 0..255.

Images are stored in their original type and scaled batch by batch. The range follows from the type for `bool`, `uint8`
and `uint16`. For other types it is the narrowest of the usual ranges (0..1, 0..255, 0..65535) that contains all
training images, or else the range of the training images itself.
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
  """The type and value range of the pixels of images.

  Attributes:
    dtype: name of the stored type, such as "uint8".
    low: value that is mapped to 0, black.
    high: value that is mapped to 255, white.
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
    """Builds pixels from the output of `dataclasses.asdict`.

    Args:
      value: a JSON value.
      place: where it is from, for error messages.

    Raises:
      ValueError: if it has another form.
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
    """Scales images of any type from this range to float32 in 0..255."""
    if (self.low, self.high) == _OF_TYPE["uint8"]:
      return tf.cast(images, tf.float32)
    exact = tf.float64 if images.dtype.name in _WIDE_INTEGERS else tf.float32
    return tf.cast((tf.cast(images, exact) - self.low) * (255.0 / (self.high - self.low)), tf.float32)


BYTES = Pixels()
"""The pixels of most sets of images."""


def pixels_of_type(dtype: str) -> Pixels | None:
  """Returns the pixels for a type that implies the range; None for other types."""
  return Pixels(dtype, *_OF_TYPE[dtype]) if dtype in _OF_TYPE else None


def measured_pixels(batches: Iterable[np.ndarray]) -> Pixels:
  """Determines the pixels from training images.

  Args:
    batches: arrays of finite numbers, all of the same type.

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
