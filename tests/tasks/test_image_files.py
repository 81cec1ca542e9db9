import os

import numpy as np
import pytest

from nao_tf.tasks.image_files import ImageFile, read_images
from nao_tf.tasks.image_lists import files_of_directory
from nao_tf.tasks.own_files import source_of_files, source_of_list
from tests.support import shapes
from tests.support.bitmaps import COLORS, GRAYS, bitmap


def files(directory):
  return files_of_directory(str(directory))


def test_images_are_read_as_they_are(tmp_path):
  shapes.write_folders(tmp_path, 4, size=(8, 12))
  images, labels = read_images(files(tmp_path), "here")
  assert images.dtype == np.uint8 and labels == ["circle", "circle", "square", "square"]
  assert np.array_equal(images, [shapes.shape_image(number, (8, 12)) for number in (0, 2, 1, 3)])


def test_gray_images_stay_gray_unless_there_are_others(tmp_path):
  shapes.write_folders(tmp_path, 4, channels=2)
  assert read_images(files(tmp_path), "here")[0].shape == (4, 16, 16, 1)
  shapes.write_folders(tmp_path, 2, channels=4)
  images, _ = read_images(files(tmp_path), "here")
  assert images.shape == (4, 16, 16, 3) and np.array_equal(images[0], shapes.shape_image(0, channels=4)[..., :3])


def test_images_of_several_sizes_need_a_size(tmp_path):
  shapes.write_folders(tmp_path, 4, ".jpg", size=(20, 16))
  shapes.write_folders(tmp_path, 2, ".png")
  with pytest.raises(ValueError, match=r"here: expected images of one size, got 4 of \[20, 16, 3\] and 2 of"):
    read_images(files(tmp_path), "here")
  assert read_images(files(tmp_path), "here", image_size=(10, 8))[0].shape == (6, 10, 8, 3)


def test_numbers_of_16_bits_are_kept(tmp_path):
  written = shapes.write_wide_folders(tmp_path, size=(8, 12))
  images, _ = read_images(files(tmp_path), "here")
  assert images.dtype == np.uint16 and np.array_equal(images, written[[0, 2, 1, 3]])
  assert read_images(files(tmp_path), "here", image_size=(4, 6))[0].dtype == np.uint16
  source = source_of_files(shapes.write_list(tmp_path))
  assert np.array_equal(source.load("train")[0], images) and source.fingerprint["dtype"] == "uint16"
  paths = [file.path for file in files(tmp_path)]
  assert np.array_equal(source_of_list(paths, [0, 0, 1, 1]).load("train")[0], images)


def test_bytes_beside_16_bits_get_their_range(tmp_path):
  written = shapes.write_wide_folders(tmp_path, channels=1)
  shapes.write_folders(tmp_path, 2)
  images, _ = read_images(files(tmp_path), "here")
  assert images.dtype == np.uint16 and np.array_equal(images[1], np.repeat(written[2], 3, axis=2))
  assert np.array_equal(images[0], shapes.shape_image(0).astype(np.uint16) * 257)


def test_corrupt_files_are_counted_and_named(tmp_path):
  shapes.write_folders(tmp_path, 8, ".jpg")
  whole = (tmp_path / "circle" / "0.jpg").read_bytes()
  (tmp_path / "circle" / "0.jpg").write_bytes(whole[: len(whole) // 2])
  (tmp_path / "square" / "1.jpg").write_bytes(b"")
  (tmp_path / "square" / "3.jpg").write_bytes(b"no image")
  message = (
    r"here: 3 of 8 files cannot be read as images: .*circle/0.jpg \(is a JPEG image that is incomplete or damaged\),"
    r" .*square/1.jpg \(is empty\), .*square/3.jpg \(is not an image, expected BMP, GIF, JPEG or PNG\); remove them, or"
    r" leave them out with --skip_corrupt \(in Python: skip_corrupt=True\)$"
  )
  with pytest.raises(ValueError, match=message):
    read_images(files(tmp_path), "here")
  images, labels = read_images(files(tmp_path), "here", skip_corrupt=True)
  assert len(images) == len(labels) == 5 and labels.count("circle") == 3


def test_pixels_that_would_be_numbers_of_colors_are_refused(tmp_path):
  shapes.write_folders(tmp_path, 4)
  (tmp_path / "circle" / "9.bmp").write_bytes(bitmap([bytes(16)] * 16, bits=8, palette=COLORS))
  (tmp_path / "square" / "9.bmp").write_bytes(bitmap([bytes(range(16))] * 16, bits=8, palette=GRAYS))
  with pytest.raises(
    ValueError, match=r"1 of 6 files .*circle/9.bmp \(is a BMP image of 8 bits per pixel with a color"
  ):
    read_images(files(tmp_path), "here")
  images, labels = read_images(files(tmp_path), "here", skip_corrupt=True)
  assert labels == ["circle"] * 2 + ["square"] * 3
  np.testing.assert_array_equal(images[-1], np.broadcast_to(np.arange(16)[:, np.newaxis], (16, 16, 3)))


def test_broken_links_are_corrupt_and_names_that_are_no_unicode_are_not(tmp_path):
  shapes.write_folders(tmp_path, 4)
  (tmp_path / "circle" / "9.png").symlink_to("nothing")
  (tmp_path / "square" / "1.png").rename(os.fsdecode(os.fsencode(tmp_path / "square") + b"/\xff\xe9.png"))
  with pytest.raises(ValueError, match=r"1 of 5 files .*circle/9.png \(is a link to a file that does not exist\)"):
    read_images(files(tmp_path), "here")
  images, _ = read_images(files(tmp_path), "here", skip_corrupt=True)
  assert np.array_equal(images, [shapes.shape_image(number) for number in (0, 2, 3, 1)])


def test_only_corrupt_files_are_an_error(tmp_path):
  (tmp_path / "a.png").write_bytes(b"no image")
  with pytest.raises(ValueError, match="1 of 1 files cannot be read"):
    read_images([ImageFile(str(tmp_path / "a.png"), "a")], "here", skip_corrupt=True)
