"""BMP files of any kind, for tests of those that TensorFlow does not decode as they are meant."""

import struct

GRAYS = bytes(value for color in range(256) for value in (color, color, color, 0))
COLORS = bytes(value for color in range(256) for value in (color, 255 - color, 7, 0))
USUAL, UNUSUAL = (0xFF0000, 0xFF00, 0xFF), (0xFF, 0xFF00, 0xFF0000)


def bitmap(rows, *, bits=24, compression=0, palette=b"", masks=(), num_colors=0, height=None):
  """Returns the content of a BMP file.

  Args:
    rows: the bytes of each row, from the top.
    bits: of a pixel.
    compression: the number of the way in which the pixels are compressed.
    palette: four bytes for each color.
    masks: bits of red, green and blue.
    num_colors: as in the header; 0 for all.
    height: as in the header; None for the number of rows, from the bottom.
  """
  padded = [row + bytes(-len(row) % 4) for row in rows]
  pixels = b"".join(padded[::-1] if height is None else padded)
  between = struct.pack(f"<{len(masks)}I", *masks) + palette
  begin, width = 54 + len(between), len(rows[0]) * 8 // bits
  size = (40, width, len(rows) if height is None else height, 1, bits, compression, len(pixels), 0, 0, num_colors, 0)
  first = b"BM" + struct.pack("<IHHI", begin + len(pixels), 0, 0, begin)
  return first + struct.pack("<IiiHHIIiiII", *size) + between + pixels


def with_short_header(rows):
  """Returns the content of a BMP file of 24 bits whose header is that of OS/2."""
  pixels = b"".join(row + bytes(-len(row) % 4) for row in rows[::-1])
  header = struct.pack("<IHHI", 26 + len(pixels), 0, 0, 26) + struct.pack(
    "<IHHHH", 12, len(rows[0]) // 3, len(rows), 1, 24
  )
  return b"BM" + header + pixels
