import gzip

import numpy as np
import pytest
import tensorflow_datasets as tfds

from nao_tf.tasks import make_task, text
from nao_tf.tasks.language_modeling import LanguageModeling, local_text
from nao_tf.tasks.text import WordVocabulary
from nao_tf.tasks.text_builder import LocalText
from tests.support.real_data import data_path
from tests.support.toy_text import sentences, toy_task, write_files


def test_a_vocabulary_has_the_frequent_words_first():
  vocabulary = WordVocabulary.of(["b a b", "", "c b a <unk>"])
  assert vocabulary.words == ("<unk>", "<eos>", "b", "a", "c")
  assert len(WordVocabulary.of(["b a b", "c b a"], max_size=3)) == 3


def test_lines_end_in_eos_and_unknown_words_become_unk():
  vocabulary = WordVocabulary.of(["b a b"])
  tokens = vocabulary.encode(["a z", "", "b"])
  assert tokens.dtype == np.int32
  assert vocabulary.decode(tokens) == ["a", "<unk>", "<eos>", "<eos>", "b", "<eos>"]


@pytest.mark.parametrize(
  "words, message", [(["a", "<unk>"], "<eos> is missing"), (["<unk>", "<eos>", "a", "a"], "1 repetitions")]
)
def test_a_malformed_vocabulary_is_refused(words, message):
  with pytest.raises(ValueError, match=message):
    WordVocabulary(words)


def test_training_streams_are_parts_of_the_text_with_the_word_before_each():
  inputs, targets = text.training_streams(np.arange(10, 18, dtype=np.int32), 3, 1)
  assert targets.tolist() == [[10, 11], [12, 13], [14, 15]]
  assert inputs.tolist() == [[1, 10], [11, 12], [13, 14]]
  assert inputs.dtype == targets.dtype == np.int32


def test_evaluation_streams_have_every_token_once():
  inputs, targets, weights = text.evaluation_streams(np.arange(10, 18, dtype=np.int32), 3, 1)
  assert targets[weights > 0].tolist() == list(range(10, 18))
  assert inputs[weights > 0].tolist() == [1, *range(10, 17)]
  assert inputs.shape == targets.shape == weights.shape == (3, 3)
  assert text.evaluation_streams(np.arange(2, dtype=np.int32), 10, 1)[0].shape == (2, 1)


def test_a_text_that_is_too_short_is_refused():
  with pytest.raises(ValueError, match="a text of 2 tokens cannot be divided into 3 streams"):
    text.training_streams(np.arange(2, dtype=np.int32), 3, 1)


def test_the_reward_grows_as_the_perplexity_falls():
  task = toy_task()
  good, bad = (task.metrics({"loss": loss}) for loss in (1.0, 2.0))
  assert good["perplexity"] == pytest.approx(np.e) and good["perplexity"] < bad["perplexity"]
  assert task.reward(good) == -1.0 > task.reward(bad)


def test_examples_are_tokens():
  assert [toy_task().num_examples(split) for split in ("train", "valid", "test")] == [300, 75, 60]
  with pytest.raises(ValueError, match="unknown split 'validation'"):
    toy_task().num_examples("validation")


def test_a_text_is_prepared_once_and_read_as_any_set(tmp_path):
  source = tmp_path / "my text"
  source.mkdir()
  text_dir, data_dir = write_files(source), str(tmp_path / "data")
  task = local_text("text", text_dir=text_dir, data_dir=data_dir)
  expected = WordVocabulary.of(sentences("train"))
  assert task.vocabulary.words == expected.words
  for split in ("train", "valid", "test"):
    np.testing.assert_array_equal(task.tokens(split), expected.encode(sentences(split)))
  (prepared,) = (tmp_path / "data" / "local_text").iterdir()
  assert prepared.name.startswith("my_text-")
  dataset = tfds.builder_from_directory(str(prepared / "1.0.0")).as_dataset(split="validation")
  assert [example["text"].decode() for example in tfds.as_numpy(dataset)] == sentences("valid")
  changed = (prepared / "1.0.0" / "dataset_info.json").stat().st_mtime_ns
  again = local_text("text", text_dir=text_dir, data_dir=data_dir)
  np.testing.assert_array_equal(again.tokens("test"), task.tokens("test"))
  assert (prepared / "1.0.0" / "dataset_info.json").stat().st_mtime_ns == changed


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


def test_a_text_that_has_changed_is_another_set(tmp_path):
  first = text.TextFiles(write_files(tmp_path)).fingerprint
  assert text.TextFiles(write_files(tmp_path)).fingerprint == first
  assert text.TextFiles(write_files(tmp_path, test=b"other\n")).fingerprint != first


def test_text_may_be_compressed_with_blank_lines_and_windows_ends(tmp_path):
  directory = write_files(tmp_path, valid=b"\xef\xbb\xbfa b\r\n\r\nc\r\n")
  (tmp_path / "test.txt").unlink()
  with gzip.open(tmp_path / "test.txt.gz", "wb") as file:
    file.write("ä ö\n".encode())
  files = text.TextFiles(directory)
  assert files.lines("valid") == ["a b", "", "c"]
  assert files.lines("test") == ["ä ö"]


@pytest.mark.parametrize(
  "content, message",
  [
    (b"", r"train\.txt: expected text, found no words"),
    (b" \n\n", r"train\.txt: expected text, found no words"),
    (b"good line\nbad \xff line\n", r"train\.txt: line 2 is not UTF-8 \(byte 0xff\)"),
  ],
)
def test_what_is_no_text_is_refused_with_its_place(tmp_path, content, message):
  task = local_text("text", text_dir=write_files(tmp_path, train=content), data_dir=str(tmp_path / "data"))
  with pytest.raises(ValueError, match=message):
    task.num_examples("train")
  assert not (tmp_path / "data").exists()


def test_a_broken_archive_is_refused(tmp_path):
  directory = write_files(tmp_path)
  (tmp_path / "test.txt").rename(tmp_path / "test.txt.gz")
  with pytest.raises(ValueError, match=r"test\.txt\.gz: cannot be decompressed"):
    text.TextFiles(directory).lines("test")


def test_a_missing_file_is_named(tmp_path):
  with pytest.raises(FileNotFoundError, match=r"no train text: expected .*train\.txt or .*train\.txt\.gz"):
    local_text("text", text_dir=str(tmp_path))


def test_a_directory_is_needed_where_there_is_none_built_in():
  with pytest.raises(ValueError, match="'ptb' needs the directory of its text: --text_dir"):
    local_text("ptb")
  with pytest.raises(ValueError, match="'python_reference' has no option text_dir"):
    make_task("python_reference", text_dir="/anywhere")


def test_a_published_text_of_another_size_is_refused(tmp_path):
  task = local_text("ptb", text_dir=write_files(tmp_path), data_dir=str(tmp_path / "data"))
  with pytest.raises(
    ValueError, match="ptb: expected 10000 words, got 10; the task for a text of your own is called text"
  ):
    task.num_examples("train")


def test_a_vocabulary_needs_room_for_a_word():
  with pytest.raises(ValueError, match="max_vocabulary must be at least 3"):
    LanguageModeling("toy", None, max_vocabulary=2)


def test_the_text_that_comes_with_python_is_english_and_has_no_line_twice():
  source = text.PythonReference()
  lines = {split: source.lines(split) for split in ("train", "valid", "test")}
  everything = [line for part in lines.values() for line in part]
  assert len(everything) == len(set(everything))
  counts = {split: sum(len(line.split()) + 1 for line in part) for split, part in lines.items()}
  assert counts["train"] > 50_000 and min(counts["valid"], counts["test"]) > 5_000
  assert {"the", "statement", ".", "("} <= set(" ".join(lines["train"]).split())


@pytest.mark.slow
@pytest.mark.parametrize(
  "name, directory, tokens, words",
  [
    ("ptb", "text/penn", (929_589, 73_760, 82_430), 10_000),
    ("wikitext2", "text/wikitext-2", (2_088_628, 217_646, 245_569), 33_278),
  ],
)
def test_published_texts_have_their_sizes(name, directory, tokens, words, tmp_path):
  task = local_text(name, text_dir=data_path(directory), data_dir=str(tmp_path))
  assert tuple(task.num_examples(split) for split in ("train", "valid", "test")) == tokens
  assert len(task.vocabulary) == words
