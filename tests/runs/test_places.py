"""A path that no run can write to is an error before anything is done."""

import os
import pathlib

import pytest

from nao_tf.runs.places import check_writable, checked_directory


@pytest.mark.parametrize("path", [None, 3, "", b"runs"])
def test_something_else_than_a_path_is_an_error(path):
  with pytest.raises(ValueError, match="workdir must be the path of a directory, got"):
    checked_directory(path)


def test_a_file_is_no_directory_and_has_none_below_it(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  pathlib.Path("notes").write_text("")
  with pytest.raises(NotADirectoryError, match="^workdir must be a directory, got notes: it is a file$"):
    checked_directory("notes")
  with pytest.raises(NotADirectoryError, match="^--workdir must be a directory, got notes/a/b: notes is a file$"):
    checked_directory("notes/a/b", "--workdir")


def test_directories_that_exist_or_not_are_accepted(tmp_path):
  assert checked_directory(tmp_path) == str(tmp_path)
  assert checked_directory(str(tmp_path / "a" / "b")) == str(tmp_path / "a" / "b")
  assert not (tmp_path / "a").exists()


def test_a_directory_that_cannot_be_written_is_named(tmp_path, monkeypatch):
  check_writable(str(tmp_path / "a" / "b"))
  monkeypatch.setattr(os, "access", lambda path, mode: path != str(tmp_path))  # Root may write everywhere.
  with pytest.raises(PermissionError, match=f"{tmp_path}/a/b: {tmp_path} cannot be written"):
    check_writable(str(tmp_path / "a" / "b"))
  with pytest.raises(PermissionError, match=f"{tmp_path}: it cannot be written"):
    check_writable(str(tmp_path))
