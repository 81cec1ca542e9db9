"""The commands with images in files."""

import os

import pytest

import nao_tf
from nao_tf.runs.settings import RunDirectoryError, read_settings
from nao_tf.serving.image_export import load_exported
from nao_tf.tasks.photograph_folders import photographs_fingerprint
from nao_tf.tools import search, train
from nao_tf.training.history import read_history, read_test_figures
from tests.docs import pages
from tests.support import shapes
from tests.support.one_convolution import GENOTYPE_FILE
from tests.support.photographs import write_photographs

TINY = (
  f"--architecture={GENOTYPE_FILE} --num_cells=1 --filters=4 --noauxiliary --drop_path_keep=1 --epochs=1 --batch_size=8"
)


def train_on(images, workdir, flags=""):
  command = f"nao-train --task=folder --image_dir={images} {TINY} --workdir={workdir} {flags}"
  return train.main(pages.parsed(command))


def test_a_network_is_trained_on_a_folder_and_exported_with_its_classes(tmp_path, capsys):
  images = shapes.write_folders(tmp_path / "images")
  assert train_on(images, tmp_path / "run") == 0
  assert ": no labeled test data; " in capsys.readouterr().out
  assert load_exported(str(tmp_path / "run" / "saved_model")).labels == shapes.NAMES
  assert read_settings(str(tmp_path / "run"))["images"]
  (images / "circle" / "0.png").unlink()
  with pytest.raises(RunDirectoryError, match="other data: files of --image_dir were added, removed or changed since"):
    train_on(images, tmp_path / "run")


def test_a_corrupt_file_is_an_error_before_any_work(tmp_path):
  images = shapes.write_folders(tmp_path / "images")
  (images / "circle" / "0.png").write_bytes(b"no image")
  with pytest.raises(ValueError, match="1 of 20 files cannot be read"):
    train_on(images, tmp_path / "run")
  assert not os.path.exists(tmp_path / "run" / "history.jsonl")


def test_a_search_on_a_list_of_files(tmp_path):
  path = shapes.write_list(shapes.write_folders(tmp_path / "images"))
  command = (
    f"nao-search --task=folder --image_dir={path} --image_size=8 --space=tests.support.tiny_cells:TinyCells"
    f" --strategy=random --num_trials=1 --child_num_cells=1 --child_filters=4 --nochild_auxiliary --child_epochs=1"
    f" --child_drop_path_keep=1 --child_batch_size=8 --workdir={tmp_path / 'run'}"
  )
  assert search.main(pages.parsed(command)) == 0
  assert (tmp_path / "run" / "best.json").exists()
  found = nao_tf.load(tmp_path / "run", path)
  assert found.best == nao_tf.load(tmp_path / "run").best and found.labels == shapes.NAMES
  with pytest.raises(RunDirectoryError, match="was made with other images than those of"):
    nao_tf.load(tmp_path / "run", shapes.write_folders(tmp_path / "others", 10))


def test_photographs_are_trained_on_and_tested_with_both_accuracies(tmp_path, capsys):
  write_photographs(tmp_path / "images" / "train", 48, shorter=20)
  write_photographs(tmp_path / "images" / "val", 12, first=48, shorter=20)
  flags = "--photographs --image_size=16 --color_jitter=0.2 --label_smoothing=0.1"
  assert train_on(tmp_path / "images", tmp_path / "run", flags) == 0
  assert "top_5_accuracy" in capsys.readouterr().out
  (epoch,) = read_history(str(tmp_path / "run"))
  assert epoch["valid_top_5_accuracy"] >= epoch["valid_accuracy"]
  assert read_test_figures(str(tmp_path / "run"))["top_5_accuracy"] > 0.5
  settings = read_settings(str(tmp_path / "run"))
  assert settings["photographs"] is True and settings["images"] == photographs_fingerprint(str(tmp_path / "images"))
