import contextlib
import os
import random
import resource
import shutil

import pytest
import tensorflow as tf
from tensorflow import keras

from nao_tf.training.checkpoints import Checkpoints, OtherCheckpoint, numbers, restore_best, restore_newest
from nao_tf.training.literal_paths import literal_path


def state(value=0.0, size=3):
  return {"values": tf.Variable(tf.fill([size], float(value)))}


def filled(directory, count=3):
  """Writes checkpoints 1, 2, ... whose values are their numbers."""
  values = state()
  checkpoints = Checkpoints(directory, values)
  for number in range(1, count + 1):
    values["values"].assign(tf.fill([3], float(number)))
    checkpoints.save(number)
  return checkpoints


def restored(directory):
  """Returns the number of the checkpoint that is restored, and the value in it."""
  values = state(-1.0)
  found = restore_newest(directory, values)
  return found, float(values["values"][0])


ODD_NAMES = ["plain", "a[1]", "a*b", "a?", "50%s", "ü ö", "a\\b", "[", "a{b}", "trailing/"]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_checkpoints_are_found_in_every_directory(tmp_path, name):
  directory = os.path.join(str(tmp_path), name)
  filled(directory)
  assert restored(directory)[0].number == 3
  with literal_path(directory) as plain:
    assert tf.train.latest_checkpoint(plain).endswith("ckpt-3")


def test_the_last_two_are_kept(tmp_path):
  filled(str(tmp_path), 5)
  assert numbers(str(tmp_path)) == [4, 5]
  assert len(os.listdir(tmp_path)) == 5


def test_the_best_is_kept_until_there_is_a_better_one(tmp_path):
  values = state()
  checkpoints = Checkpoints(str(tmp_path), values)
  for number in range(1, 7):
    values["values"].assign(tf.fill([3], float(number)))
    checkpoints.save(number, is_best=number in (1, 2))
  assert numbers(str(tmp_path)) == [2, 5, 6]
  found = state(-1.0)
  assert restore_best(str(tmp_path), found).number == 2 and float(found["values"][0]) == 2.0
  Checkpoints(str(tmp_path), values).save(7)
  assert numbers(str(tmp_path)) == [2, 6, 7] and restored(str(tmp_path))[0].number == 7


def test_there_may_be_no_best_one(tmp_path, caplog):
  filled(str(tmp_path))
  assert restore_best(str(tmp_path), state()).number is None
  (tmp_path / "best.json").write_text("garbage")
  filled(str(tmp_path))
  assert "best.json: not JSON" in caplog.text


@contextlib.contextmanager
def full_disk():
  """Lets no file grow larger than a part of a checkpoint."""
  before = resource.getrlimit(resource.RLIMIT_FSIZE)
  resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
  try:
    yield
  finally:
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_the_checkpoint_before_whole(tmp_path):
  values = state(1.0, size=100_000)
  checkpoints = Checkpoints(str(tmp_path), values)
  checkpoints.save(1)
  with (
    full_disk(),
    pytest.raises(OSError, match=r"ckpt-2: the checkpoint cannot be written.*the previous one is intact"),
  ):
    checkpoints.save(2)
  assert numbers(str(tmp_path)) == [1] and not [name for name in os.listdir(tmp_path) if "ckpt-2" in name]
  checkpoints.save(2)
  assert restore_newest(str(tmp_path), state(size=100_000)).number == 2


def test_the_first_checkpoint_on_a_full_disk_has_none_before_it(tmp_path):
  checkpoints = Checkpoints(str(tmp_path), state(1.0, size=100_000))
  with full_disk(), pytest.raises(OSError, match=r"\([^{}\[\]]*\); there is no earlier one: free disk space"):
    checkpoints.save(1)


def test_the_first_checkpoint_says_how_much_room_it_needs(tmp_path, monkeypatch):
  monkeypatch.setattr(shutil, "disk_usage", lambda directory: shutil._ntuple_diskusage(0, 0, 300_000))
  checkpoints = Checkpoints(str(tmp_path), state(1.0, size=100_000))
  with pytest.raises(OSError, match=r"the disk is full: 0\.4 MB are needed, 0\.3 MB are free; .*: free disk space"):
    checkpoints.save(1)
  layer = keras.layers.Dense(1_000, use_bias=False)
  layer.build((None, 1_000))
  with pytest.raises(OSError, match=r"4\.0 MB are needed"):
    Checkpoints(str(tmp_path), {"layer": layer}).save(1)


def test_objects_that_came_later_keep_their_values(tmp_path):
  filled(str(tmp_path))
  later = {**state(), "course": tf.Module()}
  later["course"].loss = tf.Variable(5.0)
  assert restore_newest(str(tmp_path), later).number == 3 and float(later["course"].loss) == 5.0
  with pytest.raises(OtherCheckpoint):
    restore_newest(str(tmp_path), {**state(), "unknown": tf.Variable(5.0)})


def test_a_number_is_not_used_twice(tmp_path):
  checkpoints = filled(str(tmp_path))
  checkpoints.save(3)
  assert numbers(str(tmp_path)) == [3, 4]


@pytest.mark.parametrize("content", [None, b"", b"\x00garbage", b'model_checkpoint_path: "ckpt-1"\n'])
def test_the_file_that_names_the_newest_does_not_matter(tmp_path, content):
  filled(str(tmp_path))
  (tmp_path / "checkpoint").unlink()
  if content is not None:
    (tmp_path / "checkpoint").write_bytes(content)
  assert restored(str(tmp_path))[1] == 3.0


def test_whatever_is_damaged_the_one_before_is_restored_and_the_file_is_named(tmp_path, caplog):
  filled(str(tmp_path / "whole"))
  rng = random.Random(0)
  for attempt in range(40):
    directory = tmp_path / f"damaged{attempt}"
    shutil.copytree(tmp_path / "whole", directory)
    victim = directory / rng.choice(["ckpt-3.index", "ckpt-3.data-00000-of-00001"])
    data = bytearray(victim.read_bytes())
    position = rng.randrange(len(data))
    if rng.random() < 0.5:
      victim.write_bytes(data[:position])
    else:
      data[position] ^= 1 + rng.randrange(255)
      victim.write_bytes(data)
    found, value = restored(str(directory))
    assert (found.number, value) in ((2, 2.0), (3, 3.0))
    if found.number == 2:
      assert f"{directory}/ckpt-3: the checkpoint is damaged" in caplog.text


@pytest.mark.parametrize("suffix", [".index", ".data-00000-of-00001"])
def test_the_one_before_is_restored_if_a_file_is_gone(tmp_path, suffix):
  filled(str(tmp_path))
  os.remove(tmp_path / f"ckpt-3{suffix}")
  assert restored(str(tmp_path))[1] == 2.0


def test_a_damaged_one_is_kept_until_there_are_two_newer_ones(tmp_path):
  filled(str(tmp_path))
  (tmp_path / "ckpt-3.index").write_bytes(b"")
  checkpoints = Checkpoints(str(tmp_path), state())
  checkpoints.save(3)
  assert numbers(str(tmp_path)) == [2, 3, 4]
  checkpoints.save(5)
  assert numbers(str(tmp_path)) == [4, 5]


def test_a_whole_checkpoint_of_another_network_is_refused_and_not_taken_for_a_damaged_one(tmp_path):
  filled(str(tmp_path))
  for other in (state(size=4), {"others": tf.Variable(0.0)}):
    with pytest.raises(OtherCheckpoint):
      restore_newest(str(tmp_path), other)


def test_what_another_process_writes_is_noticed(tmp_path):
  first, second = filled(str(tmp_path)), Checkpoints(str(tmp_path), state())
  assert first.is_current() and second.is_current()
  second.save(9)
  assert second.is_current() and not first.is_current()


def test_a_checkpoint_that_cannot_be_written_is_an_os_error(tmp_path):
  checkpoints = filled(str(tmp_path / "run"), 1)
  shutil.rmtree(tmp_path / "run")
  (tmp_path / "run").write_text("a file now")
  with pytest.raises(OSError):
    checkpoints.save(2)
