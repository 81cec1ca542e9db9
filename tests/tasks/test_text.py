import gzip

import numpy as np
import pytest

from nao_tf.tasks import text
from nao_tf.tasks.text import WordVocabulary
from tests.support.toy_text import write_files


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


def test_a_broken_archive_is_refused(tmp_path):
  directory = write_files(tmp_path)
  (tmp_path / "test.txt").rename(tmp_path / "test.txt.gz")
  with pytest.raises(ValueError, match=r"test\.txt\.gz: cannot be decompressed"):
    text.TextFiles(directory).lines("test")


def test_the_text_that_comes_with_python_is_english_and_has_no_line_twice():
  source = text.PythonReference()
  lines = {split: source.lines(split) for split in ("train", "valid", "test")}
  everything = [line for part in lines.values() for line in part]
  assert len(everything) == len(set(everything))
  counts = {split: sum(len(line.split()) + 1 for line in part) for split, part in lines.items()}
  assert counts["train"] > 50_000 and min(counts["valid"], counts["test"]) > 5_000
  assert {"the", "statement", ".", "("} <= set(" ".join(lines["train"]).split())
