import pytest

from nao_tf.tasks.own_files import FolderClassification, files_fingerprint
from tests.support import shapes


def test_a_folder_is_a_task(tmp_path):
  shapes.write_folders(tmp_path)
  task = FolderClassification(image_dir=str(tmp_path), image_size=8, validation_fraction=0.5)
  assert task.input_shape == (8, 8, 3) and task.labels == shapes.NAMES and task.num_examples("valid") == 10


def test_corrupt_files_are_left_out_if_wanted(tmp_path):
  shapes.write_folders(tmp_path)
  (tmp_path / "circle" / "0.png").write_bytes(b"no image")
  with pytest.raises(ValueError, match="1 of 20 files cannot be read as images: .*circle/0.png"):
    FolderClassification(image_dir=str(tmp_path))
  task = FolderClassification(image_dir=str(tmp_path), skip_corrupt=True)
  assert task.num_examples("train") + task.num_examples("valid") == 19


def test_a_directory_is_needed():
  with pytest.raises(ValueError, match="task 'folder' needs the directory of its images: --image_dir with"):
    FolderClassification()


def test_the_fingerprint_is_that_of_contents_and_classes(tmp_path):
  first, second = (shapes.write_folders(tmp_path / name, 6) for name in ("first", "second"))
  assert files_fingerprint(str(first)) == files_fingerprint(str(second))
  assert files_fingerprint(str(shapes.write_list(first))) == files_fingerprint(str(second))
  path = second / "circle" / "0.png"
  content = path.read_bytes()
  path.write_bytes(content + b"x")
  changed = files_fingerprint(str(second))
  path.write_bytes(content)
  path.rename(second / "square" / "0.png")
  assert len({files_fingerprint(str(first)), changed, files_fingerprint(str(second))}) == 3


def test_the_fingerprint_is_quiet_and_counts_a_broken_link(tmp_path, caplog):
  before = files_fingerprint(str(shapes.write_folders(tmp_path, 6)))
  (tmp_path / "square" / "notes.txt").touch()
  (tmp_path / "square" / "9.png").symlink_to("nothing")
  assert files_fingerprint(str(tmp_path)) != before
  (tmp_path / "square" / "9.png").unlink()
  assert files_fingerprint(str(tmp_path)) == before and not caplog.records
