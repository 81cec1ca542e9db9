import os
import shutil

import pytest

from nao_tf.tasks.image_lists import files_of_csv, files_of_directory
from tests.support import shapes


def test_the_folders_of_a_directory_are_the_classes(tmp_path):
  shapes.write_folders(tmp_path, 4)
  (tmp_path / "square" / "deep").mkdir()
  (tmp_path / "square" / "deep" / "9.JPG").touch()
  (tmp_path / "square" / ".hidden.png").touch()
  (tmp_path / "square" / "notes.txt").touch()
  (tmp_path / ".cache").mkdir()
  found = [(file.path.removeprefix(f"{tmp_path}/"), file.label) for file in files_of_directory(str(tmp_path))]
  assert found == [
    ("circle/0.png", "circle"),
    ("circle/2.png", "circle"),
    ("square/1.png", "square"),
    ("square/3.png", "square"),
    ("square/deep/9.JPG", "square"),
  ]


def test_other_files_are_skipped_with_one_warning_that_says_which(tmp_path, caplog):
  shapes.write_folders(tmp_path, 4)
  for name in ("circle/a.webp", "circle/b.WEBP", "square/c.webp", "square/d.txt", "square/e"):
    (tmp_path / name).touch()
  os.mkfifo(tmp_path / "circle" / "pipe.png")
  (tmp_path / "square" / "null.png").symlink_to("/dev/null")
  (tmp_path / "square" / "broken.png").symlink_to("nothing")
  with caplog.at_level("WARNING"):
    found = files_of_directory(str(tmp_path))
  names = [os.path.basename(file.path) for file in found]
  assert names == ["0.png", "2.png", "1.png", "3.png", "broken.png"]
  [message] = [record.getMessage() for record in caplog.records]
  kinds = ".webp (3), not a regular file (2), .txt (1), without an ending (1)"
  assert message == f"{tmp_path}: skipping 7 files other than .bmp, .gif, .jpeg, .jpg, .png: {kinds}"
  assert len(files_of_directory(str(tmp_path), reports=False)) == 5 and len(caplog.records) == 1


def test_links_to_folders_are_followed_unless_they_lead_back(tmp_path):
  shapes.write_folders(tmp_path / "images", 4)
  shapes.write_folders(tmp_path / "others", 4)
  (tmp_path / "images" / "circle" / "more").symlink_to(tmp_path / "others" / "circle")
  assert len(files_of_directory(str(tmp_path / "images"))) == 6
  (tmp_path / "images" / "square" / "back").symlink_to("..")
  with pytest.raises(ValueError, match="images/square/back: is a link to a folder that contains it; remove it$"):
    files_of_directory(str(tmp_path / "images"))


def test_directories_without_classes_are_an_error(tmp_path):
  with pytest.raises(ValueError, match="expected a folder with images for each class, got no folders$"):
    files_of_directory(str(tmp_path))
  shapes.write_folders(tmp_path / "flat", 2)
  with pytest.raises(ValueError, match="got no folders but 1 images; move the images of each class to a folder"):
    files_of_directory(str(tmp_path / "flat" / "circle"))
  shutil.rmtree(tmp_path / "flat")
  shapes.write_folders(tmp_path, 4)
  (tmp_path / "triangle").mkdir()
  with pytest.raises(ValueError, match=r"expected images \(.bmp.*got none in triangle"):
    files_of_directory(str(tmp_path))


def test_a_directory_of_splits_is_an_error(tmp_path):
  for split in ("train", "test"):
    shapes.write_folders(tmp_path / split, 4)
  with pytest.raises(ValueError, match="got the splits test, train; .* training images, such as .*train$"):
    files_of_directory(str(tmp_path))


@pytest.mark.parametrize("header", [("file", "label"), None])
def test_a_list_is_read_with_or_without_the_names_of_its_columns(tmp_path, header):
  path = shapes.write_list(shapes.write_folders(tmp_path, 4), header)
  found = files_of_csv(str(path))
  assert [file.label for file in found] == ["circle", "circle", "square", "square"]
  assert found[0].path == str(tmp_path / "circle" / "0.png")


@pytest.mark.parametrize(
  ("text", "message"),
  [
    ("", "got no such line"),
    ("file,label\n", "got no such line"),
    ("circle/0.png,a\n\ncircle/9.png,b\n", r"line 3: there is no file .*circle/9.png \(1 such lines\)"),
    ("circle/0.png,a\ncircle/2.png, \n", r"line 2: expected a label, got none \(1 such lines\)"),
    ("file,width,label\ncircle/0.png,5,a\n", "line 1: expected two columns, .* got 3: file,width,label"),
    ("circle/0.png;a\n", "line 1: expected two columns, .* with a comma between them, got 1: circle/0.png;a"),
    ("circle/9.png,b\n", "line 1: there is no file"),
  ],
)
def test_other_lists_are_an_error(tmp_path, text, message):
  shapes.write_folders(tmp_path, 4)
  (tmp_path / "list.csv").write_text(text)
  with pytest.raises(ValueError, match=f"list.csv.*{message}"):
    files_of_csv(str(tmp_path / "list.csv"))


def test_a_list_that_is_no_text_is_an_error(tmp_path):
  (tmp_path / "list.csv").write_bytes(b"\xff\xfe\x00")
  with pytest.raises(ValueError, match="is no CSV file in UTF-8"):
    files_of_csv(str(tmp_path / "list.csv"))
