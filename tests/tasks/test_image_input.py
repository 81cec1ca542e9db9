import pathlib

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from nao_tf.tasks.image_input import image_input
from nao_tf.tasks.own_images import OwnImages
from tests.support import shapes


def test_arrays_become_a_task_that_holds_out_a_share_of_each_class():
  task = image_input(*shapes.shape_arrays(40)).make_task(None)
  assert isinstance(task, OwnImages) and task.labels == shapes.NAMES
  assert [task.num_examples(split) for split in ("train", "valid", "test")] == [32, 8, 0]
  _, classes, weights = next(iter(task.evaluation_batches("valid", 8)))
  assert np.bincount(classes).tolist() == [4, 4] and weights.numpy().all() and not task.has_test_data()


def test_folders_and_a_list_of_files_are_the_same_images(tmp_path):
  path = shapes.write_list(shapes.write_folders(tmp_path))
  inputs = [image_input(str(tmp_path)), image_input(tmp_path), image_input(str(path)), image_input(path)]
  assert all(given.settings == inputs[0].settings for given in inputs)
  assert inputs[0].settings["data.shape"] == [20, 16, 16, 3] and inputs[0].make_task(0.5).num_examples("valid") == 10


def test_a_list_of_files_has_labels_beside_it(tmp_path):
  paths = sorted(shapes.write_folders(tmp_path).glob("*/*"))
  named = image_input(paths, [path.parent.name for path in paths])
  assert named.settings == image_input(tmp_path).settings
  numbered = image_input([str(path) for path in paths], [10 if path.parent.name == "circle" else 9 for path in paths])
  assert numbered.settings["data.classes"] == ["9", "10"]
  with pytest.raises(ValueError, match="got 20 files and 2 labels"):
    image_input(paths, [1, 2])
  with pytest.raises(FileNotFoundError, match=r"none.png: there is no such file \(1 of the 21 files of x\)"):
    image_input([*paths, "none.png"], [0] * 21)


def test_one_hot_labels_and_dicts_of_a_dataset_are_read(tmp_path):
  shapes.write_folders(tmp_path)
  options = {"image_size": (16, 16), "batch_size": 6, "shuffle": False}
  one_hot, binary, plain = (
    image_input(keras.utils.image_dataset_from_directory(str(tmp_path), label_mode=mode, **options)).settings
    for mode in ("categorical", "binary", "int")
  )
  assert one_hot == plain == binary
  images, names = shapes.shape_arrays(20)
  numbers = (names == "square").astype(int)
  forms = [(images, np.eye(2)[numbers]), (images[..., 0], np.eye(2)[numbers]), (images, numbers)]
  found = [image_input(tf.data.Dataset.from_tensor_slices(form)).settings["data.classes"] for form in forms]
  as_dicts = image_input(tf.data.Dataset.from_tensor_slices({"image": images, "label": numbers}).batch(6))
  assert found == [["0", "1"]] * 3 and as_dicts.settings["data.shape"] == [20, 16, 16, 3]


def test_the_classes_of_a_dataset_of_keras_keep_their_names(tmp_path):
  shapes.write_folders(tmp_path)
  data = keras.utils.image_dataset_from_directory(str(tmp_path), image_size=(16, 16), batch_size=6)
  given = [image_input(data), image_input(data)]
  assert given[0].settings == given[1].settings and given[0].make_task(None).labels == shapes.NAMES


def test_the_name_of_a_task_is_that_task(tmp_path, monkeypatch):
  assert image_input("digits").make_task(0.5).num_examples("valid") == 718
  monkeypatch.chdir(tmp_path)
  shapes.write_folders(tmp_path / "digits")
  assert image_input("digits").settings["task"] == "digits"
  for path in ("./digits", pathlib.Path("digits")):
    assert image_input(path).settings["data.classes"] == ["circle", "square"]


@pytest.mark.parametrize(
  ("x", "y", "message"),
  [
    (np.zeros((4, 8, 8)), None, "expected labels y for the images x"),
    ("digits", [1, 2], "expected no y"),
    (tf.data.Dataset.range(3), [1, 2], "expected no y"),
    ("ptb", None, "expected a task of images, got 'ptb'"),
    ("digitz", None, "unknown task 'digitz'"),
  ],
)
def test_what_is_no_set_of_images_is_an_error(x, y, message):
  with pytest.raises(ValueError, match=message):
    image_input(x, y).make_task(None)


def test_a_missing_file_is_an_error(tmp_path):
  for path in (tmp_path / "none", "./none", "none.csv"):
    with pytest.raises(FileNotFoundError, match="none.*: there is no such directory"):
      image_input(path)
  (tmp_path / "notes.txt").touch()
  with pytest.raises(ValueError, match=r"notes.txt: expected a directory .* or a file whose name ends in .csv"):
    image_input(tmp_path / "notes.txt")
