"""What the header of a BMP file tells of its pixels: whether TensorFlow decodes them as they are meant.

TensorFlow takes the numbers of pixels as they are. So it takes those of a palette for gray, and knows no other order of
colors than blue, green, red.
"""

from nao_tf import fields

_FIRST_HEADER, _SHORTEST_SECOND, _LONGEST_SECOND = 14, 40, 124

HEAD_BYTES = _FIRST_HEADER + _LONGEST_SECOND + 4 * 256
"""The longest headers and palette: what has to be known of a file."""

_PLACE_OF_MASKS = _FIRST_HEADER + _SHORTEST_SECOND
_PLAIN, _MASKED = 0, (3, 6)
_MASKS = bytes((0, 0, 255, 0)) + bytes((0, 255, 0, 0)) + bytes((255, 0, 0, 0))
"""Where red, green and blue are in a pixel of four bytes, if they are in the usual places."""

_GRAYS = bytes(value for value in range(256) for _ in range(3))
"""The palette whose colors are their numbers, without the fourth byte of each."""

_INSTEAD = "which cannot be read; convert it to PNG"


def bmp_fault(head: bytes) -> str:
  """Returns why TensorFlow cannot decode a BMP file, or would decode it as something else; an empty text if it can.

  It is empty for other files, too. What comes after the headers and the palette is not looked at.

  Args:
    head: the content of the file, or its first `HEAD_BYTES`.
  """
  second, bits, compression = _number(head, 14, 4), _number(head, 28, 2), _number(head, 30, 4)
  if not head.startswith(b"BM") or not 0 < second <= _LONGEST_SECOND:
    return ""  # It is damaged, or no BMP image.
  if second < _SHORTEST_SECOND:
    return f"is a BMP image with an OS/2 header, {_INSTEAD}"
  if compression != _PLAIN and not (compression in _MASKED and bits in (16, 32)):
    return f"is a BMP image that is compressed, {_INSTEAD}"
  if bits == 16:
    return f"is a BMP image of 16 bits per pixel, {_INSTEAD}"
  if bits in (1, 2, 4) or (bits == 8 and not _is_gray(head, second)):
    return f"is a BMP image of {fields.counted(bits, 'bit')} per pixel with a color palette, {_INSTEAD}"
  if compression in _MASKED and not _MASKS.startswith(head[_PLACE_OF_MASKS:][: len(_MASKS)]):
    return f"is a BMP image whose colors are in an unusual order, {_INSTEAD}"
  return ""


def _is_gray(head: bytes, second: int) -> bool:
  """Returns whether the colors of a palette are their numbers, as far as it is there."""
  begin = _FIRST_HEADER + second
  palette = head[begin : begin + 4 * (_number(head, 46, 4) or 256)]
  return _GRAYS.startswith(bytes(value for place, value in enumerate(palette) if place % 4 != 3))


def _number(head: bytes, place: int, size: int) -> int:
  return int.from_bytes(head[place : place + size], "little")
