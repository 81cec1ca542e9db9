"""Photographs: encoded images of any size become pixels `[S, S, 3]`, and of a JPEG only what is needed is decoded.

A part of a JPEG is decoded without the rest of it, and a large part at a half, a quarter or an eighth of its size. Both is
done by the decoder itself. All other images are decoded as a whole, and a large part of them is made smaller by averaging.
Gray becomes color, transparency is left out, 16 bits become 8, and of an animation the first image is taken.
"""

import contextlib
import re
from collections.abc import Callable, Iterator

import tensorflow as tf

from nao_tf.tasks import photograph_pixels
from nao_tf.tasks.base import DamagedData
from nao_tf.tasks.photograph_headers import TAIL_BYTES

MIN_AREA = 0.08
"""The smallest part of a photograph that a training sees (Szegedy et al., CVPR 2015, section 6)."""

ASPECT_RATIOS = (3 / 4, 4 / 3)
"""Between which the ratio of the width and the height of that part lies."""

CENTER_FRACTION = 0.875
"""Side of the center that an evaluation sees, as a fraction of the shorter side: 224 of 256 pixels."""

_RATIOS = (1, 2, 4, 8)
_TRANSFORM = "INTEGER_FAST"
_FAULT = "photograph: "
_CLOSING = "]'\""
_OF_DECODERS = re.compile(r"\b(JPEG|PNG|GIF|BMP)\b")
_NAMES_OF_OPERATIONS = re.compile(r"\{\{.*?\}\}|\[Op:.*|\[\[.*")
_START_OF_JPEG, _END_OF_JPEG = b"\xff\xd8\xff", b"\xff\xd9"
_STARTS_OF_OTHERS = (b"BM", b"GIF8", b"\x89PNG")

Box = tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]
"""Top, left, height and width of a part of an image, in pixels."""


def random_crop(content: tf.Tensor, place: tf.Tensor, size: int, seed: tf.Tensor) -> tf.Tensor:
  """Returns a random part of a photograph, resized.

  The part has between `MIN_AREA` and all of the area of the photograph, any place, and a ratio of its sides between
  `ASPECT_RATIOS`.

  Args:
    content: the content of an image file, or that of a file of `nao_tf.tasks.photograph_pixels`; a string.
    place: what the photograph is called in messages, a string.
    size: side of the result in pixels.
    seed: stateless seed, `[2]`.

  Returns:
    Pixels, uint8 `[size, size, 3]`.
  """
  return _decoded(content, place, size, lambda height, width: _random_box(height, width, seed))


def center_crop(content: tf.Tensor, place: tf.Tensor, size: int) -> tf.Tensor:
  """Returns the center of a photograph, `CENTER_FRACTION` of its shorter side, resized; see `random_crop`."""
  return _decoded(content, place, size, _center_box)


def whole(content: tf.Tensor, place: tf.Tensor, size: int) -> tf.Tensor:
  """Returns a whole photograph, at a half, a quarter or an eighth of its size if it has twice as many pixels as needed.

  Args:
    content: the content of an image file, a string.
    place: what the photograph is called in messages, a string.
    size: side of the images that will be cut out of it, in pixels. The shorter side has at least twice as many, unless the
      photograph itself is smaller.

  Returns:
    Pixels, uint8 `[H, W, 3]`.
  """
  return tf.cond(
    _is_jpeg(content), lambda: _whole_jpeg(content, place, size), lambda: _smaller(_other(content, place), 2 * size)
  )


@contextlib.contextmanager
def photograph_errors(name: str, find: Callable[[], str | None] = lambda: None) -> Iterator[None]:
  """Reports a photograph that cannot be decoded as an error that names it.

  Args:
    name: name of the task.
    find: returns the name of the photograph. It is called if the error does not say which one it is.

  Raises:
    DamagedData: inside the context, if a photograph or the file that contains it cannot be decoded.
  """
  try:
    yield
  except tf.errors.DataLossError as error:
    raise DamagedData(f"{name}: its files are damaged or incomplete ({_reason(error)})") from error
  except tf.errors.InvalidArgumentError as error:
    reason = _reason(error)
    if _FAULT in reason:
      raise DamagedData(f"{name}: {reason.partition(_FAULT)[2].rstrip(_CLOSING)}") from error
    if not _OF_DECODERS.search(reason):
      raise
    raise DamagedData(f"{name}: {find() or 'an image'} cannot be decoded ({reason})") from error


def _reason(error: tf.errors.OpError) -> str:
  """Returns the first line of a message of TensorFlow, without names of operations."""
  return _NAMES_OF_OPERATIONS.sub("", error.message.partition("\n")[0]).strip()


def _random_box(height: tf.Tensor, width: tf.Tensor, seed: tf.Tensor) -> Box:
  begin, extent, _ = tf.image.stateless_sample_distorted_bounding_box(
    tf.stack([height, width, 3]),
    tf.zeros([1, 0, 4]),
    seed,
    min_object_covered=0.0,
    aspect_ratio_range=ASPECT_RATIOS,
    area_range=(MIN_AREA, 1.0),
    max_attempts=10,
    use_image_if_no_bounding_boxes=True,
  )
  return begin[0], begin[1], extent[0], extent[1]


def _center_box(height: tf.Tensor, width: tf.Tensor) -> Box:
  shorter = tf.cast(tf.minimum(height, width), tf.float32)
  side = tf.maximum(1, tf.cast(tf.round(CENTER_FRACTION * shorter), tf.int32))
  return (height - side) // 2, (width - side) // 2, side, side


def _decoded(content: tf.Tensor, place: tf.Tensor, size: int, box: Callable[[tf.Tensor, tf.Tensor], Box]) -> tf.Tensor:
  is_kept = tf.strings.substr(content, 0, len(photograph_pixels.START)) == photograph_pixels.START
  kind = tf.where(is_kept, 2, tf.cast(_is_jpeg(content), tf.int32))
  part = tf.switch_case(
    kind,
    [
      lambda: _part(_other(content, place), size, box),
      lambda: _part_of_jpeg(content, place, size, box),
      lambda: _part(_kept(content, place), size, box),
    ],
  )
  pixels = tf.image.resize(tf.ensure_shape(part, (None, None, 3)), (size, size))
  return tf.ensure_shape(tf.cast(tf.round(pixels), tf.uint8), (size, size, 3))


def _is_jpeg(content: tf.Tensor) -> tf.Tensor:
  return tf.strings.substr(content, 0, len(_START_OF_JPEG)) == _START_OF_JPEG


def _part_of_jpeg(
  content: tf.Tensor, place: tf.Tensor, size: int, box: Callable[[tf.Tensor, tf.Tensor], Box]
) -> tf.Tensor:
  shape = tf.io.extract_jpeg_shape(content)
  window = tf.stack(box(shape[0], shape[1]))
  with tf.control_dependencies([_has_end(content, place)]):
    return tf.switch_case(_step(window[2:], size), [_jpeg_decoder(content, window, ratio) for ratio in _RATIOS])


def _whole_jpeg(content: tf.Tensor, place: tf.Tensor, size: int) -> tf.Tensor:
  def decoder(ratio: int) -> Callable[[], tf.Tensor]:
    return lambda: tf.io.decode_jpeg(content, channels=3, ratio=ratio, dct_method=_TRANSFORM)

  step = _step(tf.io.extract_jpeg_shape(content)[:2], 2 * size)
  with tf.control_dependencies([_has_end(content, place)]):
    return tf.switch_case(step, [decoder(ratio) for ratio in _RATIOS])


def _step(extent: tf.Tensor, size: int) -> tf.Tensor:
  """Returns the number of the largest of `_RATIOS` by which height and width can be divided and not be below a size."""
  times = tf.reduce_min(extent) // size
  return tf.reduce_sum(tf.cast(times >= tf.constant(_RATIOS[1:]), tf.int32))


def _jpeg_decoder(content: tf.Tensor, window: tf.Tensor, ratio: int) -> Callable[[], tf.Tensor]:
  return lambda: tf.io.decode_and_crop_jpeg(
    content, tf.maximum(window // ratio, [0, 0, 1, 1]), channels=3, ratio=ratio, dct_method=_TRANSFORM
  )


def _has_end(content: tf.Tensor, place: tf.Tensor) -> tf.Operation:
  """Returns the check that a JPEG file has the mark of its end: among its last bytes, or else before what follows it."""
  length = tf.strings.length(content)
  last = tf.strings.substr(content, tf.maximum(0, length - TAIL_BYTES), TAIL_BYTES)
  ends = tf.cond(_has_mark(last), lambda: tf.constant(True), lambda: _has_mark(content))
  return _check(ends, place, "is a JPEG image whose end is missing")


def _has_mark(content: tf.Tensor) -> tf.Tensor:
  values = tf.io.decode_raw(content, tf.uint8)
  return tf.reduce_any((values[:-1] == _END_OF_JPEG[0]) & (values[1:] == _END_OF_JPEG[1]))


def _other(content: tf.Tensor, place: tf.Tensor) -> tf.Tensor:
  with tf.control_dependencies([_is_image(content, place)]):
    return in_color(tf.io.decode_image(content, expand_animations=False))


def _kept(content: tf.Tensor, place: tf.Tensor) -> tf.Tensor:
  whole_file = _check(photograph_pixels.is_whole(content), place, "is incomplete; delete it, so that it is made again")
  with tf.control_dependencies([whole_file]):
    return photograph_pixels.pixels_of(content)


def _part(image: tf.Tensor, size: int, box: Callable[[tf.Tensor, tf.Tensor], Box]) -> tf.Tensor:
  shape = tf.shape(image)
  top, left, height, width = box(shape[0], shape[1])
  return _smaller(image[top : top + height, left : left + width], size)


def _smaller(image: tf.Tensor, size: int) -> tf.Tensor:
  """Returns an image divided by the ratio that `_step` says: the mean of all pixels that become one."""

  def divider(ratio: int) -> Callable[[], tf.Tensor]:
    pixels = tf.cast(image, tf.float32)[tf.newaxis]
    return lambda: tf.cast(tf.round(tf.nn.avg_pool2d(pixels, ratio, ratio, "VALID")[0]), tf.uint8)

  step = _step(tf.shape(image)[:2], size)
  return tf.switch_case(step, [lambda: tf.identity(image), *(divider(ratio) for ratio in _RATIOS[1:])])


def in_color(image: tf.Tensor) -> tf.Tensor:
  """Returns an image of one to four channels with three: gray becomes color, and transparency is left out."""
  color = tf.cond(
    tf.shape(image)[2] < 3, lambda: tf.repeat(image[..., :1], 3, axis=2), lambda: tf.identity(image[..., :3])
  )
  return tf.ensure_shape(color, (None, None, 3))


def _is_image(content: tf.Tensor, place: tf.Tensor) -> tf.Operation:
  starts = [tf.strings.substr(content, 0, len(start)) == start for start in _STARTS_OF_OTHERS]
  return _check(tf.reduce_any(starts), place, "is not an image, expected BMP, GIF, JPEG or PNG")


def _check(holds: tf.Tensor, place: tf.Tensor, fault: str) -> tf.Operation:
  return tf.debugging.Assert(holds, [tf.strings.join([_FAULT, place, " ", fault])])
