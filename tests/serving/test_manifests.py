import json

import pytest

from nao_tf.serving.manifests import MANIFEST, check_files, foreign_files, list_files, write_manifest


@pytest.fixture
def listed(tmp_path):
  (tmp_path / "assets").mkdir()
  (tmp_path / "assets" / "note.txt").write_text("x")
  write_manifest(str(tmp_path))
  return tmp_path


def test_what_was_listed_is_not_foreign_and_everything_else_is(listed):
  check_files(str(listed))
  assert foreign_files(str(listed)) == []
  (listed / "link").symlink_to(listed / "assets")
  (listed / "other").touch()
  assert foreign_files(str(listed)) == ["link", "other"] and foreign_files(str(listed), ignore=["other"]) == ["link"]
  assert list_files(str(listed)) == ["assets/note.txt", MANIFEST, "link", "other"]


@pytest.mark.parametrize(
  "content",
  ["", "[]", "{}", '{"files": []}', '{"files": {"../../etc/passwd": "0"}}', '{"files": {"/etc/passwd": "0"}}',
   '{"files": {"a": 1}}'],
)  # fmt: skip
def test_a_list_that_cannot_be_read_is_named(listed, content):
  (listed / MANIFEST).write_text(content)
  for use in (check_files, foreign_files):
    with pytest.raises(ValueError, match=MANIFEST):
      use(str(listed))


def test_a_file_that_is_missing_or_changed_is_named(listed):
  (listed / "assets" / "note.txt").write_text("y")
  with pytest.raises(ValueError, match=r"note\.txt: was damaged or changed"):
    check_files(str(listed))
  (listed / "assets" / "note.txt").unlink()
  with pytest.raises(ValueError, match=r"note\.txt: is missing"):
    check_files(str(listed))
  assert list(json.loads((listed / MANIFEST).read_text())["files"]) == ["assets/note.txt"]
