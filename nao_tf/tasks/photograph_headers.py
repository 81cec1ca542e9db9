"""What the first and the last bytes of an image file tell: its kind, its size, and whether its end is missing.

So a million files are checked before a training begins, without decoding them.
"""

import dataclasses
import os
from typing import BinaryIO

from nao_tf.tasks import bmp_headers

MAX_PIXELS = 2**27
"""The largest image that is decoded as a whole, 402 MB. Of a JPEG image only what is needed is decoded, in any size."""

HEAD_BYTES, TAIL_BYTES = bmp_headers.HEAD_BYTES, 1024

_JPEG_END, _PNG_END = b"\xff\xd9", b"IEND"
_EXPECTED = "expected BMP, GIF, JPEG or PNG"
_OTHER_KINDS = (
  ("WebP", 8, (b"WEBP",)),
  ("TIFF", 0, (b"II*\0", b"MM\0*")),
  ("HEIF or AVIF", 4, (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypavif", b"ftypavis")),
)
"""Images that are often in files whose names are those of others: their kind, and the bytes at a place that tell it."""


@dataclasses.dataclass(frozen=True)
class Header:
  """What is known of an image file from its ends.

  Attributes:
    kind: "bmp", "gif", "jpeg" or "png".
    size: height and width in pixels; None for JPEG, where they are further inside.
    ends: whether the mark of the end of such a file is there. False: its end may be missing.
  """

  kind: str
  size: tuple[int, int] | None
  ends: bool

  @property
  def damage(self) -> str:
    """What is wrong with a file with this header that cannot be decoded."""
    return f"is a {self.kind.upper()} image that is incomplete or damaged"


def read_header(path: str) -> Header:
  """Returns what the ends of a file tell.

  Raises:
    ValueError: if it is empty, no image that can be read, too large, or a broken link; the message says which, without
      the path.
    OSError: if it cannot be read.
  """
  with opened(path) as file:
    head = file.read(HEAD_BYTES)
    file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL_BYTES))
    return header_of(head, file.read(TAIL_BYTES))


def opened(path: str) -> BinaryIO:
  """Opens an image file for reading.

  Raises:
    ValueError: if it is a broken link; the message does not name it.
    OSError: if it cannot be opened for another reason.
  """
  try:
    return open(path, "rb")
  except OSError as error:
    if os.path.exists(path) or not os.path.islink(path):
      raise
    raise ValueError("is a link to a file that does not exist") from error


def header_of(head: bytes, tail: bytes) -> Header:
  """Returns what the first bytes, `HEAD_BYTES` are enough, and the last ones of a file tell.

  Raises:
    ValueError: if these are not the bytes of an image that can be read, or of one that is too large.
  """
  if not head:
    raise ValueError("is empty")
  if head.startswith(b"\xff\xd8\xff"):
    return Header("jpeg", None, _JPEG_END in tail)
  if head.startswith(b"\x89PNG\r\n\x1a\n"):
    return _bounded(Header("png", (_big(head[20:24]), _big(head[16:20])), _PNG_END in tail))
  if head.startswith((b"GIF87a", b"GIF89a")):
    return _bounded(Header("gif", (_little(head[8:10]), _little(head[6:8])), tail.endswith(b";")))
  if head.startswith(b"BM"):
    return _of_bmp(head)
  kind = next((kind for kind, place, marks in _OTHER_KINDS if head[place:].startswith(marks)), None)
  raise ValueError(f"is {f'a {kind} image' if kind else 'not an image'}, {_EXPECTED}")


def damage(content: bytes) -> str:
  """Returns what is wrong with a file that cannot be decoded."""
  try:
    return header_of(content, content[-TAIL_BYTES:]).damage
  except ValueError as error:
    return str(error)


def _of_bmp(head: bytes) -> Header:
  fault = bmp_headers.bmp_fault(head)
  if fault:
    raise ValueError(fault)
  return _bounded(Header("bmp", (abs(_little(head[22:26], signed=True)), _little(head[18:22])), False))


def _bounded(header: Header) -> Header:
  height, width = header.size or (0, 0)
  if height * width > MAX_PIXELS:
    raise ValueError(
      f"is too large to decode, {width} x {height} pixels, the most are {MAX_PIXELS:,}; make it smaller, or a JPEG file"
    )
  return header


def _big(data: bytes) -> int:
  return int.from_bytes(data, "big")


def _little(data: bytes, *, signed: bool = False) -> int:
  return int.from_bytes(data, "little", signed=signed)
