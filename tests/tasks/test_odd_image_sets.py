"""Image sets of TensorFlow Datasets that are not as usual: types, shapes, splits, labels, files."""

import functools
import shutil

import numpy as np
import pytest
import tensorflow_datasets as tfds

from nao_tf.tasks import make_task
from tests.support.tfds_sets import examples, random_images, write_set

LABELS = np.arange(30) % 3
IMAGES = random_images(30)
BYTES = examples(IMAGES, LABELS)
SPACES_AND_GLOBS = "a [b]*? {c} ünïcode"


def raw(task, split):
  """Returns all raw images of a split."""
  return np.concatenate([images.numpy() for images, _ in task.raw_batches(split, 7)])


def in_order(images):
  return images[np.lexsort(images.reshape(len(images), -1).T)]


def task_on(directory, splits, name="odd", **options):
  features = {key: options.pop(key) for key in ("feature", "features", "classes") if key in options}
  return make_task(name, data_dir=write_set(directory, name, splits, **features), validation_fraction=0.0, **options)


@pytest.fixture(scope="module")
def set_of(tmp_path_factory):
  """Returns images of a type and the directory of a set of them, writing each set only once."""

  @functools.cache
  def write(dtype, low, high):
    images = random_images(30, dtype=dtype, low=low, high=high)
    return images, write_set(tmp_path_factory.mktemp(dtype), "odd", {"train": examples(images, LABELS)})

  return write


@pytest.mark.parametrize("dtype, low, high", [("uint8", 0, 255), ("uint16", 0, 65535), ("float32", 0, 1)])
@pytest.mark.parametrize("bytes_in_memory", [2**31, 0], ids=["in memory", "streamed"])
def test_images_keep_type_and_values(set_of, monkeypatch, dtype, low, high, bytes_in_memory):
  monkeypatch.setattr("nao_tf.tasks.image_reading.IN_MEMORY_BYTES", bytes_in_memory)
  images, directory = set_of(dtype, low, high)
  task = make_task("odd", data_dir=directory, validation_fraction=0.0)
  found = raw(task, "train")
  assert found.dtype == dtype
  np.testing.assert_array_equal(in_order(found), in_order(images))
  assert (task.pixels.dtype, task.pixels.low, task.pixels.high) == (dtype, low, high)


@pytest.mark.parametrize("dtype, low, high", [("uint8", 0, 255), ("uint16", 0, 65535), ("float32", 0, 1)])
def test_resized_images_keep_type_and_range(set_of, dtype, low, high):
  images, directory = set_of(dtype, low, high)
  found = raw(make_task("odd", data_dir=directory, image_size=3, validation_fraction=0.0), "train")
  assert found.dtype == dtype and found.shape == (30, 3, 3, 1)
  assert found.mean() == pytest.approx(images.mean(), rel=0.05)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_gray_color_and_transparent_images(tmp_path, channels):
  images = random_images(30, (6, 5, channels))
  task = task_on(tmp_path, {"train": examples(images, LABELS)})
  assert task.input_shape == (6, 5, channels)
  np.testing.assert_array_equal(in_order(raw(task, "train")), in_order(images))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_images_of_an_unknown_number_of_channels_become_color(tmp_path, channels):
  images, feature = random_images(30, (6, 5, channels)), tfds.features.Image(shape=(6, 5, None))
  task = task_on(tmp_path, {"train": examples(images, LABELS)}, feature=feature)
  assert task.input_shape == (6, 5, 3)
  expected = np.repeat(images, 3, axis=3) if channels == 1 else images[..., :3]
  np.testing.assert_array_equal(in_order(raw(task, "train")), in_order(expected))


def test_images_of_several_sizes_need_a_size(tmp_path):
  images = [random_images(1, (4 + number % 3, 5, 3))[0] for number in range(30)]
  splits, feature = {"train": examples(images, LABELS)}, tfds.features.Image(shape=(None, None, 3))
  with pytest.raises(ValueError, match=r"no common size, \(None, None, 3\); set --image_size to resize them"):
    task_on(tmp_path, splits, feature=feature)
  assert raw(make_task("odd", data_dir=str(tmp_path), image_size=4, validation_fraction=0), "train").shape[1:] == (
    4,
    4,
    3,
  )


def test_data_may_be_in_a_directory_with_any_name(tmp_path):
  directory = tmp_path / SPACES_AND_GLOBS
  directory.mkdir()
  np.testing.assert_array_equal(in_order(raw(task_on(directory, {"train": BYTES}), "train")), in_order(IMAGES))


def test_a_set_without_a_test_split_says_so_before_a_training(tmp_path):
  task = task_on(tmp_path, {"train": BYTES})
  assert not task.has_test_data() and task.num_examples("test") == 0


@pytest.mark.parametrize("name", ["test", "validation"])
def test_a_test_or_a_validation_split_is_for_testing(tmp_path, name):
  task = task_on(tmp_path, {"train": BYTES, name: BYTES[:9]})
  assert task.has_test_data() and task.num_examples("test") == 9


def test_test_images_without_labels_are_passed_over_with_a_word(tmp_path, caplog):
  unlabeled = examples(IMAGES[:5], [-1] * 5)
  task = task_on(tmp_path, {"train": BYTES, "validation": BYTES[:9], "test": unlabeled})
  with caplog.at_level("WARNING"):
    assert task.has_test_data() and task.num_examples("test") == 9
  assert "odd: the examples of its split test have no labels, so it is not used" in caplog.text
  task = task_on(tmp_path, {"train": BYTES, "test": unlabeled}, name="unlabeled")
  assert not task.has_test_data() and task.num_examples("test") == 0


def test_a_single_test_image_without_a_label_is_refused_before_a_training(tmp_path):
  task = task_on(tmp_path, {"train": BYTES, "test": [*BYTES[:3], (IMAGES[0], -1)]})
  with pytest.raises(ValueError, match="odd, test: example 3 has the label -1"):
    task.has_test_data()


@pytest.mark.parametrize("bytes_in_memory", [2**31, 0], ids=["in memory", "streamed"])
def test_a_training_image_without_a_label_is_refused(tmp_path, monkeypatch, bytes_in_memory):
  monkeypatch.setattr("nao_tf.tasks.image_reading.IN_MEMORY_BYTES", bytes_in_memory)
  task = task_on(tmp_path, {"train": [*BYTES[:3], (IMAGES[0], -1)]})
  with pytest.raises(ValueError, match="odd, train: example 3 has the label -1, but the 3 classes are numbered from 0"):
    task.num_examples("train")


def test_a_set_without_a_training_split_is_refused(tmp_path):
  with pytest.raises(ValueError, match=r"has no images to train on; expected a split train, got test \(30 examples\)"):
    task_on(tmp_path, {"test": BYTES})


def test_a_set_of_one_class_is_refused(tmp_path):
  with pytest.raises(ValueError, match="odd: expected at least two classes, got 'only'"):
    task_on(tmp_path, {"train": examples(IMAGES, 0 * LABELS)}, classes=["only"])


IMAGE = tfds.features.Image(shape=(6, 6, 1))
FEATURES = {
  "a text": ({"text": tfds.features.Text()}, {"text": "a"}),
  "a label that is a number": (
    {"image": IMAGE, "label": tfds.features.Scalar(np.int64)},
    {"image": IMAGES[0], "label": 3},
  ),
  "several labels": (
    {
      "image": tfds.features.Image(shape=(6, 6, 1)),
      "label": tfds.features.Sequence(tfds.features.ClassLabel(num_classes=3)),
    },
    {"image": IMAGES[0], "label": [1, 2]},
  ),
}


@pytest.mark.parametrize("features, example", FEATURES.values(), ids=FEATURES)
def test_a_set_that_is_not_of_images_with_one_label_is_refused(tmp_path, features, example):
  with pytest.raises(ValueError, match="odd: expected images with one class label each, got the features"):
    task_on(tmp_path, {"train": [example]}, features=features)


def damage(path, how):
  """Damages a file."""
  content = bytearray(path.read_bytes())
  if how == "a byte":
    content[len(content) // 2] ^= 0xFF
  path.write_bytes(content[: len(content) // 2] if how == "cut off" else content)
  if how == "missing":
    path.unlink()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
  """The directory of a set that is copied to be damaged."""
  return write_set(tmp_path_factory.mktemp("whole"), "odd", {"train": BYTES, "test": BYTES})


@pytest.mark.parametrize("how", ["a byte", "cut off", "missing"])
@pytest.mark.parametrize("bytes_in_memory", [2**31, 0], ids=["in memory", "streamed"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_damaged_files_are_reported_with_set_and_directory(whole, tmp_path, monkeypatch, how, bytes_in_memory, split):
  monkeypatch.setattr("nao_tf.tasks.image_reading.IN_MEMORY_BYTES", bytes_in_memory)
  shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
  [path] = (tmp_path / "odd" / "1.0.0").glob(f"*{split}*")
  damage(path, how)
  task = make_task("odd", data_dir=str(tmp_path))
  with pytest.raises(ValueError, match=f"odd: the files of its split {split} in .*odd.* are damaged or incomplete"):
    task.num_examples("train") if split == "train" else task.has_test_data()


def test_files_with_fewer_or_more_examples_than_on_record_are_reported(tmp_path):
  for name, count in (("few", 20), ("many", 30)):
    write_set(tmp_path, name, {"train": BYTES[:count]})
  [few], [many] = ((tmp_path / name / "1.0.0").glob("*train*") for name in ("few", "many"))
  few.rename(tmp_path / "kept")
  many.rename(few)
  (tmp_path / "kept").rename(many)
  for name, expected in (("few", "expected to contain 20 elements"), ("many", "contain 30 elements")):
    with pytest.raises(ValueError, match=f"{name}: the files .* are damaged or incomplete .*{expected}"):
      make_task(name, data_dir=str(tmp_path)).num_examples("train")


def test_a_damaged_description_is_reported(tmp_path):
  write_set(tmp_path, "odd", {"train": BYTES})
  (tmp_path / "odd" / "1.0.0" / "dataset_info.json").write_text("{")
  with pytest.raises(ValueError, match="odd: its description in .* cannot be read"):
    make_task("odd", data_dir=str(tmp_path))
