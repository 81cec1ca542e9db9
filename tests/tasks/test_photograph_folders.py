import os

import numpy as np
import pytest

from nao_tf.tasks import make_task
from nao_tf.tasks.photograph_folders import photograph_files, photographs_fingerprint
from tests.support.bitmaps import COLORS, GRAYS, bitmap
from tests.support.photographs import NAMES, jpeg, write_photographs
from tests.support.shapes import write_list


def folder(path, **options):
  return make_task("folder", image_dir=str(path), photographs=True, image_size=16, **options)


def test_a_folder_of_photographs_of_many_sizes_is_a_task(tmp_path):
  write_photographs(tmp_path, 300, shorter=20)
  task = folder(tmp_path)
  assert task.labels == NAMES and task.input_shape == (16, 16, 3)
  assert [task.num_examples(split) for split in ("train", "valid", "test")] == [240, 60, 0]
  assert not task.has_test_data()
  for split, share in (("train", 40), ("valid", 10)):
    labels = np.concatenate([labels for _, labels in task.raw_batches(split, 128)])
    np.testing.assert_array_equal(np.bincount(labels), [share] * 6)


def test_folders_of_splits_are_those_to_train_on_and_those_to_test_with(tmp_path):
  write_photographs(tmp_path / "train", 24, shorter=20)
  write_photographs(tmp_path / "val", 12, first=24, shorter=20)
  (tmp_path / "test").mkdir()
  (tmp_path / "test" / "unlabeled.jpg").write_bytes(jpeg(0))
  task = folder(tmp_path, validation_fraction=0.0)
  assert [task.num_examples(split) for split in ("train", "valid", "test")] == [24, 0, 12] and task.has_test_data()


def test_a_list_of_photographs_is_a_task(tmp_path):
  write_photographs(tmp_path, 12, shorter=20)
  assert folder(write_list(tmp_path)).labels == NAMES


def test_faulty_files_are_named_before_any_work_and_can_be_left_out(tmp_path):
  write_photographs(tmp_path, 30, shorter=20)
  (tmp_path / "coast" / "00000.jpg").write_bytes(jpeg(0)[:-80])
  (tmp_path / "dune" / "00001.jpg").write_bytes(b"<html>")
  (tmp_path / "field" / "00002.jpg").write_bytes(b"")
  (tmp_path / "lake" / "00004.jpg").write_bytes(jpeg(4) + bytes(5000))  # What comes after the end does no harm.
  with pytest.raises(ValueError) as raised:
    folder(tmp_path)
  message = str(raised.value)
  assert "3 of 30 files cannot be read as images" in message
  for fault in (
    "coast/00000.jpg (is a JPEG image that is incomplete or damaged)",
    "dune/00001.jpg (is not an image, expected BMP, GIF, JPEG or PNG)",
    "field/00002.jpg (is empty)",
  ):
    assert fault in message
  task = folder(tmp_path, skip_corrupt=True, validation_fraction=0.0)
  assert task.num_examples("train") == 27 == sum(len(labels) for _, labels in task.raw_batches("train", 9))


def test_palettes_and_broken_links_are_faulty(tmp_path):
  write_photographs(tmp_path, 12, shorter=20)
  (tmp_path / "coast" / "palette.bmp").write_bytes(bitmap([bytes(16)] * 16, bits=8, palette=COLORS))
  (tmp_path / "dune" / "gray.bmp").write_bytes(bitmap([bytes(16)] * 16, bits=8, palette=GRAYS))
  (tmp_path / "field" / "broken.jpg").symlink_to("nothing")
  with pytest.raises(ValueError) as raised:
    folder(tmp_path)
  for fault in (
    "2 of 15 files cannot be read as images",
    "coast/palette.bmp (is a BMP image of 8 bits per pixel with a color palette, which cannot be read; convert it to PNG)",
    "field/broken.jpg (is a link to a file that does not exist)",
  ):
    assert fault in str(raised.value)
  assert folder(tmp_path, skip_corrupt=True, validation_fraction=0.0).num_examples("train") == 13


def test_names_that_are_no_unicode_are_read_and_told_apart(tmp_path):
  write_photographs(tmp_path, 12, shorter=20)
  before = photographs_fingerprint(str(tmp_path))
  content, prints = (tmp_path / "ridge" / "00005.jpg").read_bytes(), {before}
  for name in (b"\xff.jpg", b"\xfe.jpg"):
    path = os.path.join(os.fsencode(tmp_path), b"ridge", name)
    with open(path, "wb") as file:
      file.write(content)
    prints.add(photographs_fingerprint(str(tmp_path)))
    task = folder(tmp_path, validation_fraction=0.0)
    assert task.num_examples("train") == 13 == sum(len(labels) for _, labels in task.raw_batches("train", 4))
    os.remove(path)
  assert len(prints) == 3


def test_one_class_and_unknown_classes_of_test_images_are_refused(tmp_path, caplog):
  write_photographs(tmp_path / "one", 4, classes=1, shorter=20)
  with pytest.raises(ValueError, match="one: expected at least two classes, got 'coast'"):
    folder(tmp_path / "one")
  write_photographs(tmp_path / "two" / "train", 8, classes=2, shorter=20)
  write_photographs(tmp_path / "two" / "val", 2, classes=1, shorter=20)
  with caplog.at_level("WARNING"):
    folder(tmp_path / "two")
  assert "classes without a test image: 1, such as dune" in caplog.text
  write_photographs(tmp_path / "two" / "val", 3, classes=3, shorter=20)
  with pytest.raises(
    ValueError, match="expected test images of the classes of the training .* got 'field' of .*val/field/00002.jpg"
  ):
    folder(tmp_path / "two")


def test_the_fingerprint_tells_files_from_others_without_reading_them(tmp_path):
  first, second = (write_photographs(tmp_path / name, 12, shorter=20) for name in ("first", "second"))
  before = photographs_fingerprint(str(first))
  assert before == photographs_fingerprint(str(second))
  assert before == photograph_files(str(first), image_size=16).fingerprint["photographs"]
  (second / "coast" / "00000.jpg").write_bytes(jpeg(0) + b"x")
  assert photographs_fingerprint(str(second)) != before
