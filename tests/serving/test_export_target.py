import contextlib
import errno
import os
import pathlib
import random
import shutil

import pytest
import tensorflow as tf

from nao_tf.runs.run_lock import RunLock
from nao_tf.serving import export_target
from nao_tf.serving.saved_models import ExportError, check_target, load_saved_model, read_asset, write_saved_model
from tests.serving.test_saved_models import Doubling, accept


def write(directory, text="new", extra=()):
  def make(paths):
    module = Doubling(list(paths.values()))
    return module, {"serving_default": module.double}

  write_saved_model(str(directory), make, texts={"note.txt": text, **dict.fromkeys(extra, "x")}, check=accept)


def assert_holds(directory, text):
  accept(None, load_saved_model(str(directory), ["serving_default"]))
  assert read_asset(str(directory), "note.txt") == text


def fail(*_):
  raise OSError(errno.EBUSY, "device or resource busy")


@pytest.fixture(params=["exchanged", "moved file by file"])
def way(request, monkeypatch):
  if request.param != "exchanged":
    monkeypatch.setattr(export_target, "exchange", fail)
  return request.param


def test_an_older_export_is_replaced_as_a_whole(tmp_path, way):
  write(tmp_path / "model", "old", extra=["only_in_old.txt"])
  write(tmp_path / "model", "new", extra=["only_in_new.txt"])
  assert_holds(tmp_path / "model", "new")
  assert sorted(os.listdir(tmp_path / "model" / "assets")) == ["note.txt", "only_in_new.txt"]
  assert os.listdir(tmp_path) == ["model"] and ".export" not in os.listdir(tmp_path / "model")


def test_an_empty_directory_that_cannot_be_renamed_to_is_filled(tmp_path, monkeypatch):
  (tmp_path / "model").mkdir()
  rename = os.rename
  monkeypatch.setattr(os, "rename", lambda a, b: fail() if b == str(tmp_path / "model") else rename(a, b))
  write(tmp_path / "model")
  assert_holds(tmp_path / "model", "new")
  assert os.listdir(tmp_path) == ["model"]


def test_a_mount_point_is_written_from_within(tmp_path, monkeypatch):
  (tmp_path / "model").mkdir()
  monkeypatch.setattr(os.path, "ismount", lambda path: path == str(tmp_path / "model"))
  for text in ("old", "new"):
    write(tmp_path / "model", text)
    assert_holds(tmp_path / "model", text)
    assert ".export" not in os.listdir(tmp_path / "model")


def test_an_error_at_the_last_step_leaves_the_older_export(tmp_path, monkeypatch):
  write(tmp_path / "model", "old")
  monkeypatch.setattr(export_target, "exchange", fail)
  monkeypatch.setattr(shutil, "copytree", fail)
  with pytest.raises(OSError, match="busy"):
    write(tmp_path / "model")
  assert_holds(tmp_path / "model", "old")
  assert os.listdir(tmp_path) == ["model"] and ".export" not in os.listdir(tmp_path / "model")


@pytest.mark.parametrize("number", range(6))
def test_an_export_that_stops_between_two_files_is_the_new_one_and_is_finished_by_the_next(
  tmp_path, monkeypatch, number
):
  write(tmp_path / "model", "old", extra=["only_in_old.txt"])
  replace, left = os.replace, [number]

  def stop(source, target):
    if "/parts/" in source:
      left[0] -= 1
      if left[0] < 0:
        raise OSError(errno.EIO, "stop")
    replace(source, target)

  with monkeypatch.context() as patch:
    patch.setattr(export_target, "exchange", fail)
    patch.setattr(os, "replace", stop)
    with pytest.raises(OSError, match="stop"):
      write(tmp_path / "model", "new")
  assert_holds(tmp_path / "model", "new")
  check_target(str(tmp_path / "model"))
  assert ".export" not in os.listdir(tmp_path / "model") and os.listdir(tmp_path) == ["model"]
  assert os.listdir(tmp_path / "model" / "assets") == ["note.txt"]
  assert_holds(tmp_path / "model", "new")


@pytest.mark.parametrize("place", ["notes.txt", "variables/notes.txt", "assets/notes.txt", "notes/diary.txt"])
def test_other_files_beside_an_export_are_refused_before_any_work(tmp_path, place):
  write(tmp_path / "model", "old")
  (tmp_path / "model" / place).parent.mkdir(exist_ok=True)
  (tmp_path / "model" / place).write_text("precious")
  with pytest.raises(ExportError, match=f"it holds {place} beside an export; choose another directory"):
    check_target(str(tmp_path / "model"))
  assert (tmp_path / "model" / place).read_text() == "precious" and os.listdir(tmp_path) == ["model"]


def test_the_saved_model_of_somebody_else_is_not_replaced(tmp_path):
  tf.saved_model.save(tf.Module(), str(tmp_path / "model"))
  with pytest.raises(ExportError, match="is not an export of nao_tf"):
    write(tmp_path / "model")


def test_an_export_of_version_0_1_is_replaced(tmp_path):
  module = Doubling([])
  (tmp_path / "genotype.json").write_text("{}")
  module.assets = [tf.saved_model.Asset(str(tmp_path / "genotype.json"))]
  tf.saved_model.save(module, str(tmp_path / "model"), signatures={"serving_default": module.double})
  write(tmp_path / "model")
  assert_holds(tmp_path / "model", "new")


def test_an_export_goes_to_where_a_link_points(tmp_path):
  (tmp_path / "disk").mkdir()
  (tmp_path / "model").symlink_to(tmp_path / "disk" / "model")
  for text in ("old", "new"):
    write(tmp_path / "model", text)
    assert (tmp_path / "model").is_symlink() and os.listdir(tmp_path / "disk") == ["model"]
    assert_holds(tmp_path / "disk" / "model", text)


@pytest.mark.parametrize("name", ["a[1]", "a*b", "a?", "50%s", "ü ö", "trailing/", "n" * 250])
def test_every_path_can_be_written_and_loaded(tmp_path, name):
  write(os.path.join(str(tmp_path), name))
  assert_holds(os.path.join(str(tmp_path), name), "new")


def test_a_relative_path_can_be_written(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  write("model")
  assert_holds(pathlib.Path("model"), "new")


def test_two_processes_do_not_export_to_one_place(tmp_path):
  with (
    RunLock(str(tmp_path / ".export-model")),
    pytest.raises(ExportError, match=rf"another process is exporting there .*process {os.getpid()} on"),
  ):
    write(tmp_path / "model")


def test_what_dead_processes_left_is_removed_and_what_others_write_is_not(tmp_path):
  for name in ("model", "other", "running"):
    RunLock(str(tmp_path / f".export-{name}")).close()
    (tmp_path / f".export-{name}" / "new").mkdir()
  (tmp_path / ".export-unknown").mkdir()
  with RunLock(str(tmp_path / ".export-running")):
    write(tmp_path / "model")
  assert sorted(os.listdir(tmp_path)) == [".export-running", ".export-unknown", "model"]


def test_whichever_file_is_damaged_it_is_named_or_does_not_matter(tmp_path):
  write(tmp_path / "whole")
  files = sorted(path.relative_to(tmp_path / "whole") for path in (tmp_path / "whole").rglob("*") if path.is_file())
  rng = random.Random(0)
  for attempt in range(60):
    shutil.copytree(tmp_path / "whole", tmp_path / "damaged")
    victim = tmp_path / "damaged" / rng.choice(files)
    data = bytearray(victim.read_bytes())
    position = rng.randrange(len(data))
    if attempt % 3 == 0:
      victim.unlink()
    elif attempt % 3 == 1:
      victim.write_bytes(data[:position])
    else:
      data[position] ^= 1 + rng.randrange(255)
      victim.write_bytes(data)
    if victim.name != "export.json":
      with pytest.raises(ExportError, match=victim.name):
        load_saved_model(str(tmp_path / "damaged"), ["serving_default"])
    else:  # Without its list an export is one of version 0.1, and a digest may be what is damaged.
      with contextlib.suppress(ExportError):
        load_saved_model(str(tmp_path / "damaged"), ["serving_default"])
    shutil.rmtree(tmp_path / "damaged")


def test_a_damaged_export_without_a_list_of_files_is_an_export_error_or_loads(tmp_path):
  write(tmp_path / "whole")
  rng = random.Random(1)
  for _ in range(25):
    shutil.copytree(tmp_path / "whole", tmp_path / "damaged")
    os.remove(tmp_path / "damaged" / "export.json")
    name = rng.choice(["saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001"])
    data = (tmp_path / "damaged" / name).read_bytes()
    (tmp_path / "damaged" / name).write_bytes(data[: rng.randrange(len(data))])
    try:
      load_saved_model(str(tmp_path / "damaged"), ["serving_default"])
    except ExportError as error:
      assert str(tmp_path / "damaged") in str(error)
    shutil.rmtree(tmp_path / "damaged")
