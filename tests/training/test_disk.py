import pytest

from nao_tf.training.disk import check_free, sync, sync_tree


def test_files_and_directories_are_synced(tmp_path):
  (tmp_path / "a" / "b").mkdir(parents=True)
  (tmp_path / "a" / "b" / "file").write_text("x")
  sync_tree(str(tmp_path))
  with pytest.raises(FileNotFoundError):
    sync(str(tmp_path / "nowhere"))


def test_missing_room_is_named(tmp_path):
  check_free(str(tmp_path), 1)
  with pytest.raises(OSError, match=r"the disk is full: 1,000,000,000,000\.0 MB are needed, .* MB are free"):
    check_free(str(tmp_path), 10**18)
