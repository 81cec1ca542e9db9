import os

import pytest
import tensorflow as tf

from nao_tf.serving.saved_models import ExportError, load_saved_model, read_asset, write_saved_model


class Doubling(tf.Module):
  """Doubles numbers, and has a text as an asset."""

  def __init__(self, paths):
    super().__init__()
    self.assets = [tf.saved_model.Asset(path) for path in paths]
    self.double = tf.function(lambda x: {"y": 2 * x}, input_signature=[tf.TensorSpec([None], name="x")])


def make(paths):
  module = Doubling(list(paths.values()))
  return module, {"serving_default": module.double}


def accept(module, loaded):
  assert loaded.signatures["serving_default"](x=tf.constant([3.0]))["y"].numpy() == [6.0]


def refuse(module, loaded):
  raise ExportError("no")


def test_a_saved_model_is_written_with_its_assets_and_loaded(tmp_path):
  directory = str(tmp_path / "deep" / "model")
  write_saved_model(directory, make, texts={"note.txt": "a\nb"}, check=accept)
  assert read_asset(directory, "note.txt") == "a\nb"
  assert os.listdir(tmp_path / "deep") == ["model"]
  accept(None, load_saved_model(directory, ["serving_default"]))


def test_nothing_is_left_behind_when_the_check_fails(tmp_path):
  directory = str(tmp_path / "model")
  with pytest.raises(ExportError, match="^no$"):
    write_saved_model(directory, make, texts={}, check=refuse)
  assert os.listdir(tmp_path) == []
  write_saved_model(directory, make, texts={"note.txt": "old"}, check=accept)
  with pytest.raises(ExportError, match="^no$"):
    write_saved_model(directory, make, texts={"note.txt": "new"}, check=refuse)
  assert os.listdir(tmp_path) == ["model"] and read_asset(directory, "note.txt") == "old"


def test_a_missing_signature_or_asset_is_named(tmp_path):
  directory = str(tmp_path / "model")
  write_saved_model(directory, make, texts={}, check=accept)
  with pytest.raises(ExportError, match="has no signature predict; is it an export of such a network"):
    load_saved_model(directory, ["predict"])
  with pytest.raises(ExportError, match=r"has no note\.txt among its assets"):
    read_asset(directory, "note.txt")


@pytest.mark.parametrize(
  ("error", "end"),
  [
    (tf.errors.ResourceExhaustedError, "; No space left on device); free disk space and run the same command again"),
    (tf.errors.PermissionDeniedError, "; No space left on device)"),
  ],
)
def test_a_full_disk_is_told_with_what_to_do(error, end, tmp_path, monkeypatch):
  def save(*args, **options):
    raise error(None, None, "variables; No space left on device")

  monkeypatch.setattr(tf.saved_model, "save", save)
  with pytest.raises(OSError) as raised:
    write_saved_model(str(tmp_path / "model"), make, texts={}, check=accept)
  assert str(raised.value) == f"{tmp_path}/model: the SavedModel cannot be written (variables{end}"
  assert os.listdir(tmp_path) == []
