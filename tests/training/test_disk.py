import pytest

from nao_tf.training.disk import sync, sync_tree


def test_files_and_directories_are_synced(tmp_path):
  (tmp_path / "a" / "b").mkdir(parents=True)
  (tmp_path / "a" / "b" / "file").write_text("x")
  sync_tree(str(tmp_path))
  with pytest.raises(FileNotFoundError):
    sync(str(tmp_path / "nowhere"))
