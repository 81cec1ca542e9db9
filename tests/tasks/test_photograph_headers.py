import numpy as np
import pytest
import tensorflow as tf

from nao_tf.tasks.photograph_headers import MAX_PIXELS, header_of, read_header
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
