import gzip

import numpy as np
import pytest

from nao_tf.tasks.own_text import OwnText
from nao_tf.tasks.text_input import is_text, named_text, text_input
from tests.support import toy_text

TEXTS = ["one two", "three one\ntwo two", "", "one three"]


def test_texts_file_and_compressed_file_are_the_same_text(tmp_path):
  (tmp_path / "a.txt").write_text("\n".join(TEXTS))
  (tmp_path / "a.txt.gz").write_bytes(gzip.compress("\n".join(TEXTS).encode()))
  forms = [
    TEXTS,
    tuple(TEXTS),
    np.array(TEXTS),
    np.array(TEXTS, object),
    str(tmp_path / "a.txt"),
    tmp_path / "a.txt.gz",
  ]
  assert all(is_text(form) for form in forms)
  given = [text_input(form) for form in forms]
  assert all(other.settings == given[0].settings for other in given) and given[0].settings["data.lines"] == 4
  task = given[0].make_task(None)
  assert isinstance(task, OwnText) and [task.num_examples(split) for split in ("train", "valid", "test")] == [9, 3, 0]
  assert given[0].make_task(0.5).num_examples("valid") == 6 and not task.has_test_data()


def test_a_directory_of_three_texts_is_the_task_text(tmp_path):
  toy_text.write_files(tmp_path)
  assert is_text(tmp_path)
  given = text_input(tmp_path, data_dir=str(tmp_path / "data"))
  assert given.settings["task"] == "text" and len(given.settings["text"]) == 64
  assert given.make_task(None).num_examples("valid") == 75
  with pytest.raises(ValueError, match="has its own validation text"):
    given.make_task(0.1)


def test_a_vocabulary_is_bounded():
  assert text_input(TEXTS, max_vocabulary=3).make_task(None).num_outputs == 3


@pytest.mark.parametrize(
  ("x", "y", "message"),
  [
    (TEXTS, [0, 1, 0, 1], "expected no y for texts"),
    (["one two"], None, "x: expected at least two lines with words, .* got 1"),
    (["one", 3], None, "x: expected texts, got int as number 1"),
    (["", " "], None, "at least two lines with words, .* got 0"),
  ],
)
def test_what_is_no_text_is_an_error(x, y, message):
  with pytest.raises(ValueError, match=message):
    text_input(x, y)


def test_a_missing_text_is_an_error(tmp_path):
  with pytest.raises(FileNotFoundError, match=r"none.txt: there is no such text file"):
    text_input(tmp_path / "none.txt")
  with pytest.raises(ValueError, match="needs the directory of its text"):
    named_text("ptb").make_task(None)


@pytest.mark.parametrize("fraction", [0.0, 1.0])
def test_a_share_of_a_text_is_always_held_out(fraction):
  with pytest.raises(ValueError, match="must be above 0 and below 1"):
    text_input(TEXTS).make_task(fraction)


def test_images_are_no_text(tmp_path):
  assert not any(is_text(x) for x in (np.zeros((2, 4, 4)), [np.zeros((4, 4))], [], tmp_path, "photos.csv"))
