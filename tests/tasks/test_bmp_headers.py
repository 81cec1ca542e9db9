import numpy as np
import pytest
import tensorflow as tf

from nao_tf.tasks.bmp_headers import HEAD_BYTES, bmp_fault
from tests.support.bitmaps import COLORS, GRAYS, UNUSUAL, USUAL, bitmap, with_short_header

GRAY = np.random.default_rng(0).integers(0, 256, (5, 8), np.uint8)
COLOR = np.random.default_rng(0).integers(0, 256, (5, 8, 4), np.uint8)
INDEXED = [row.tobytes() for row in GRAY]
BLUE_FIRST = [row[:, 2::-1].tobytes() for row in COLOR]
OF_32_BITS = [row[:, [2, 1, 0, 3]].tobytes() for row in COLOR]


@pytest.mark.parametrize(
  ("content", "pixels"),
  [
    (bitmap(BLUE_FIRST), COLOR[..., :3]),
    (bitmap(BLUE_FIRST, height=-5), COLOR[..., :3]),
    (bitmap(OF_32_BITS, bits=32), COLOR),
    (bitmap(OF_32_BITS, bits=32, compression=3, masks=USUAL), COLOR),
    (bitmap(INDEXED, bits=8, palette=GRAYS), GRAY[..., np.newaxis]),
  ],
)
def test_what_is_decoded_as_it_is_meant_has_no_fault(content, pixels):
  assert bmp_fault(content) == bmp_fault(content[:HEAD_BYTES]) == ""
  np.testing.assert_array_equal(tf.io.decode_image(content), pixels)


@pytest.mark.parametrize(
  ("content", "fault"),
  [
    (bitmap(INDEXED, bits=8, palette=COLORS), "of 8 bits per pixel with a color palette"),
    (bitmap(INDEXED, bits=8, palette=GRAYS[::-1]), "of 8 bits per pixel with a color palette"),
    (bitmap(INDEXED, bits=8, palette=COLORS[:64], num_colors=16), "of 8 bits per pixel with a color palette"),
    (bitmap(INDEXED, bits=4, palette=COLORS[:64]), "of 4 bits per pixel with a color palette"),
    (bitmap(INDEXED, bits=1, palette=GRAYS[:4] + GRAYS[-4:]), "of 1 bit per pixel with a color palette"),
    (bitmap(INDEXED, bits=8, compression=1, palette=GRAYS), "that is compressed"),
    (bitmap(BLUE_FIRST, compression=5), "that is compressed"),
    (bitmap(INDEXED, bits=16), "of 16 bits per pixel"),
    (bitmap(INDEXED, bits=16, compression=3, masks=(0xF800, 0x7E0, 0x1F)), "of 16 bits per pixel"),
    (bitmap(OF_32_BITS, bits=32, compression=3, masks=UNUSUAL), "whose colors are in an unusual order"),
    (with_short_header(BLUE_FIRST), "with an OS/2 header"),
  ],
)
def test_what_is_decoded_as_something_else_or_not_at_all_has_a_fault(content, fault):
  message = f"is a BMP image {fault}, which cannot be read; convert it to PNG"
  assert bmp_fault(content) == bmp_fault(content[:HEAD_BYTES]) == message


def test_other_files_and_incomplete_headers_are_not_judged():
  palette = bitmap(INDEXED, bits=8, palette=GRAYS)
  for content in (
    b"",
    b"BM",
    b"BMW is no bitmap, but a text that begins like one.",
    b"\x89PNG",
    palette[:40],
    palette[:99],
  ):
    assert bmp_fault(content) == ""
