import numpy as np
import pytest
import tensorflow as tf

from nao_tf.tasks.photograph_headers import MAX_PIXELS, damage, header_of, read_header
from tests.support.bitmaps import COLORS, bitmap
from tests.support.photographs import jpeg

PNG = tf.io.encode_png(np.zeros((3, 5, 3), np.uint8)).numpy()
BMP = b"BM" + bytes(16) + (7).to_bytes(4, "little") + (-2).to_bytes(4, "little", signed=True) + bytes(6)
GIF = b"GIF89a" + (4).to_bytes(2, "little") + (9).to_bytes(2, "little") + b"...;"


@pytest.mark.parametrize(
  "content, kind, size, ends",
  [
    (jpeg(0), "jpeg", None, True),
    (jpeg(0)[:-10], "jpeg", None, False),
    (PNG, "png", (3, 5), True),
    (PNG[:-9], "png", (3, 5), False),
    (BMP, "bmp", (2, 7), False),
    (GIF, "gif", (9, 4), True),
  ],
)
def test_the_ends_of_a_file_tell_its_kind_and_whether_it_is_whole(tmp_path, content, kind, size, ends):
  (tmp_path / "image").write_bytes(content)
  header = read_header(str(tmp_path / "image"))
  assert (header.kind, header.size, header.ends) == (kind, size, ends)


def test_what_is_no_image_and_what_is_too_large_is_refused():
  with pytest.raises(ValueError, match="is empty"):
    header_of(b"", b"")
  with pytest.raises(ValueError, match="is not an image, expected BMP, GIF, JPEG or PNG"):
    header_of(b"<html>", b"</html>")
  huge = PNG[:16] + (20_000).to_bytes(4, "big") * 2
  assert MAX_PIXELS < 20_000**2
  with pytest.raises(ValueError, match="is too large to decode, 20000 x 20000 pixels"):
    header_of(huge, b"IEND")


@pytest.mark.parametrize(
  ("head", "kind"),
  [
    (b"RIFF\0\0\0\0WEBPVP8 ", "a WebP"),
    (b"II*\0\x08", "a TIFF"),
    (b"MM\0*\0", "a TIFF"),
    (b"\0\0\0\x1cftypavif", "a HEIF or"),
  ],
)
def test_images_of_other_kinds_are_refused_by_their_kind(head, kind):
  with pytest.raises(ValueError, match=f"^is {kind}.* image, expected BMP, GIF, JPEG or PNG$"):
    header_of(head, b"")


def test_a_palette_and_a_broken_link_are_refused(tmp_path):
  (tmp_path / "a.bmp").write_bytes(bitmap([b"1234"], bits=8, palette=COLORS))
  with pytest.raises(ValueError, match="^is a BMP image of 8 bits per pixel with a color palette"):
    read_header(str(tmp_path / "a.bmp"))
  for target in (tmp_path / "none", tmp_path / "b.bmp"):
    (tmp_path / "b.bmp").unlink(missing_ok=True)
    (tmp_path / "b.bmp").symlink_to(target)
    with pytest.raises(ValueError, match="^is a link to a file that does not exist$"):
      read_header(str(tmp_path / "b.bmp"))
  with pytest.raises(FileNotFoundError):
    read_header(str(tmp_path / "none"))


def test_what_cannot_be_decoded_says_why():
  assert damage(b"") == "is empty"
  assert damage(PNG[:40]) == "is a PNG image that is incomplete or damaged"
