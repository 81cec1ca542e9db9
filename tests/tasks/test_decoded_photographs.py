import os
import shutil

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.tasks import decoded_photographs, make_task
from nao_tf.tasks.base import DamagedData
from nao_tf.tasks.decoded_photographs import DecodedPhotographs
from nao_tf.tasks.photograph_folders import photograph_files
from nao_tf.tasks.photograph_pixels import pixels_of
from nao_tf.training.config import TrainingConfig
from tests.support.photographs import jpeg, photograph, png, write_damaged

SIZE = 32
CONFIG = TrainingConfig(batch_size=4, epochs=2)


def write(path, content):
  path.parent.mkdir(parents=True, exist_ok=True)
  path.write_bytes(content)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
  directory = tmp_path_factory.mktemp("images")
  for number in range(6):
    write(directory / "train" / "a" / f"{number}.jpg", jpeg(number, shorter=40))
    write(directory / "train" / "b" / f"{number}.png", png(number + 10, shorter=50))
  for name in "ab":
    write(directory / "val" / name / "0.jpg", jpeg(90))
  return directory


def task_of(images, **options):
  return make_task("folder", image_dir=str(images), photographs=True, image_size=SIZE, **options)


def source_of(images, directory, size=SIZE):
  return DecodedPhotographs(photograph_files(str(images), image_size=size), str(directory))


def batches(task, **position):
  found = list(task.training_batches(CONFIG, seed=3, **position).take(4).as_numpy_iterator())
  return [np.concatenate(part) for part in zip(*found)]


def test_a_training_sees_the_same_order_and_parts_as_without(images, tmp_path):
  plain, kept = task_of(images), task_of(images, decoded_dir=str(tmp_path / "pixels"))
  for position in ({}, {"first_epoch": 1, "first_step": 1}):
    (ours, our_labels), (theirs, labels) = batches(kept, **position), batches(plain, **position)
    np.testing.assert_array_equal(our_labels, labels)
    # The decoder computes the colors at the borders of a part of a JPEG from that part alone.
    assert np.abs(ours - theirs).mean() < 0.01
    same = (ours == theirs).all((1, 2, 3))
    assert same[labels == 1].all() and same.mean() > 0  # PNG files.
  for split in ("valid", "test"):
    ours, theirs = (next(iter(task.evaluation_batches(split, 4))) for task in (kept, plain))
    np.testing.assert_allclose(ours[0], theirs[0], atol=0.3)
    np.testing.assert_array_equal(ours[1], theirs[1])


def test_nothing_is_decoded_before_it_is_needed_and_each_photograph_once(images, tmp_path, monkeypatch):
  directory = tmp_path / "pixels"
  task = task_of(images, decoded_dir=str(directory))
  assert task.num_examples("train") == 10 and not directory.exists()
  batches(task)
  assert sorted(int(name) for name in os.listdir(directory / "0")) == list(range(12))
  monkeypatch.setattr(decoded_photographs, "whole", None)  # An error if it were called.
  batches(task_of(images, decoded_dir=str(directory)))


def test_what_was_interrupted_goes_on_with_what_is_missing(images, tmp_path):
  source = source_of(images, tmp_path / "pixels")
  source.decode()
  before = {number: (tmp_path / "pixels" / "0" / str(number)).read_bytes() for number in range(12)}
  for number in (3, 11):
    os.remove(tmp_path / "pixels" / "0" / str(number))
  written = []
  again = source_of(images, tmp_path / "pixels")
  again._write = lambda number, content: written.append((number, content))
  again.decode()
  assert written == [(number, before[number]) for number in (3, 11)]


def test_a_large_photograph_is_kept_at_a_part_of_its_size(tmp_path):
  for name in "ab":
    write(tmp_path / "images" / name / "0.jpg", jpeg(1, shorter=150))
    write(tmp_path / "images" / name / "1.png", png(1, shorter=150))
    write(tmp_path / "images" / name / "2.png", png(1, shorter=90))
  source = source_of(tmp_path / "images", tmp_path / "pixels")
  contents = [content for content, _, _ in source.contents("train", None, None).as_numpy_iterator()]
  pixels = [pixels_of(tf.constant(content)).numpy() for content in contents]
  shapes = [np.array(photograph(1, shorter=shorter).shape[:2]) for shorter in (150, 150, 90)]
  for image, shape, ratio in zip(pixels, shapes, (2, 2, 1)):
    assert np.abs(np.array(image.shape[:2]) - shape / ratio).max() < 1
  height, width = pixels[1].shape[:2]
  assert np.abs(pixels[0][:height, :width].astype(int) - pixels[1]).mean() < 12  # The same photograph, by two decoders.
  original = photograph(1, shorter=150)[: 2 * height, : 2 * width].astype(float)
  averaged = original.reshape(height, 2, width, 2, 3).mean((1, 3))
  assert np.abs(pixels[1] - averaged).max() <= 0.5


def test_the_pixels_of_other_photographs_are_refused(images, tmp_path):
  source_of(images, tmp_path / "pixels").decode()
  with pytest.raises(ValueError, match=r"^--decoded_dir=.*pixels: holds other .* \(image_size was 32, is 16\); choose"):
    source_of(images, tmp_path / "pixels", size=16)
  shutil.copytree(images, tmp_path / "images")
  write(tmp_path / "images" / "train" / "a" / "new.jpg", jpeg(50))
  with pytest.raises(ValueError, match=r"holds other photographs, .* \(num_examples was 12, is 13\)"):
    source_of(tmp_path / "images", tmp_path / "pixels")
  (tmp_path / "pixels" / "photographs.json").write_text("[]")
  with pytest.raises(ValueError, match="photographs.json is not an object"):
    source_of(images, tmp_path / "pixels")


def test_a_directory_of_other_files_and_a_file_are_refused(images, tmp_path):
  with pytest.raises(ValueError, match="holds other files; expected a new or an empty directory"):
    source_of(images, images)
  with pytest.raises(ValueError, match="expected a directory, got a file"):
    source_of(images, images / "val" / "a" / "0.jpg")
  source_of(images, tmp_path)
  with pytest.raises(ValueError, match="--decoded_dir=pixels: is for photographs .* add --photographs$"):
    make_task("folder", image_dir=str(images / "train"), image_size=8, decoded_dir="pixels")
  with pytest.raises(ValueError, match="decoded_dir"):
    make_task("digits", decoded_dir="pixels")


def test_a_disk_that_is_too_small_is_told_after_a_few(images, tmp_path, monkeypatch):
  monkeypatch.setattr(decoded_photographs, "_SAMPLE", 2)
  monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(100, 95, 5))
  with pytest.raises(OSError, match=r"^--decoded_dir=.*: the pixels need about 0\.00 GB more, and 0\.00 GB are free"):
    source_of(images, tmp_path / "pixels").decode()
  assert len(os.listdir(tmp_path / "pixels" / "0")) == 2


def test_a_photograph_that_cannot_be_decoded_is_named_before_the_training(images, tmp_path):
  shutil.copytree(images, tmp_path / "images")
  write_damaged(tmp_path / "images" / "train" / "b" / "3.png")
  with pytest.raises(DamagedData, match=r"^--decoded_dir=.*: .*b/3\.png cannot be decoded"):
    source_of(tmp_path / "images", tmp_path / "pixels").decode()


def test_a_file_of_pixels_that_is_cut_off_is_named(images, tmp_path):
  task = task_of(images, decoded_dir=str(tmp_path / "pixels"))
  batches(task)
  for number in range(12):
    os.truncate(tmp_path / "pixels" / "0" / str(number), 500)
  with pytest.raises(DamagedData, match=r"pixels/0/\d+ is incomplete; delete it"), task.data_errors():
    batches(task)
