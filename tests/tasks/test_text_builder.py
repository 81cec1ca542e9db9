import pytest

from nao_tf.tasks import text
from nao_tf.tasks.text_builder import LocalText
from tests.support.toy_text import sentences, write_files


class Watched(text.TextFiles):
  """A text that calls a function when it is read."""

  def __init__(self, directory, on_read):
    super().__init__(directory)
    self._on_read = on_read

  def lines(self, split):
    self._on_read()
    return super().lines(split)


@pytest.mark.parametrize("reading", [0, 4], ids=["before it is begun", "while it is written"])
def test_a_set_that_another_process_has_prepared_meanwhile_is_used(tmp_path, reading):
  text_dir, data_dir = write_files(tmp_path), str(tmp_path / "data")
  readings = []

  def on_read():
    readings.append(None)
    if len(readings) == reading:
      LocalText(source=text.TextFiles(text_dir), data_dir=data_dir).lines("train")

  builder = LocalText(source=Watched(text_dir, on_read), data_dir=data_dir)
  if not reading:
    LocalText(source=text.TextFiles(text_dir), data_dir=data_dir).lines("train")
  for split in ("train", "valid", "test"):
    assert builder.lines(split) == sentences(split)


def test_lines_can_be_read_without_a_copy_of_the_text(tmp_path):
  builder = LocalText(source=text.TextFiles(write_files(tmp_path)), data_dir=str(tmp_path / "data"))
  assert builder.unwritten.lines("valid") == sentences("valid") and not (tmp_path / "data").exists()
  builder.lines("train")
  assert builder.unwritten is builder
