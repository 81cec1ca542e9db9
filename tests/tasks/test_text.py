import gzip
import hashlib

import numpy as np
import pytest

from nao_tf.tasks import text
from nao_tf.tasks.text import WordVocabulary
from nao_tf.tasks.text_builder import LocalText
from tests.support.toy_text import sentences, write_files


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


@pytest.mark.parametrize(
  "content, expected",
  [
    (b"a b\rc\r", ["a b", "c"]),
    (b"a\r\nb\nc\rd", ["a", "b", "c", "d"]),
    (b"a\n\r\nb\r\r", ["a", "", "b", ""]),
    ("a\u2028b\u2029c\u0085d\x0be\x0cf\x1cg\x1dh\x1ei\n".encode(), ["a\u2028b\u2029c\x85d\x0be\x0cf\x1cg\x1dh\x1ei"]),
    ("\ufeffä\n\ufeffb\n".encode(), ["ä", "\ufeffb"]),
    (b"a " * 300_000, ["a " * 300_000]),
  ],
)
def test_lines_end_at_line_feeds_and_carriage_returns_and_nowhere_else(tmp_path, content, expected):
  source = text.TextFiles(write_files(tmp_path, valid=content))
  assert source.lines("valid") == expected
  prepared = LocalText(source=source, data_dir=str(tmp_path / "data"))
  assert prepared.lines("valid") == expected
  tokens = WordVocabulary(["<unk>", "<eos>"]).encode(prepared.lines("valid"))
  assert (tokens == 1).sum() == len(expected)


def test_a_text_of_carriage_returns_is_not_mistaken_for_what_was_read_of_it_before(tmp_path):
  directory = write_files(tmp_path, valid=b"a\rb\r")
  digests = [hashlib.sha256((tmp_path / f"{split}.txt").read_bytes()).hexdigest() for split in text.SPLITS]
  assert text.TextFiles(directory).fingerprint != hashlib.sha256(" ".join(digests).encode()).hexdigest()
  directory = write_files(tmp_path, valid=b"a\r\nb\r\n")
  digests = [hashlib.sha256((tmp_path / f"{split}.txt").read_bytes()).hexdigest() for split in text.SPLITS]
  assert text.TextFiles(directory).fingerprint == hashlib.sha256(" ".join(digests).encode()).hexdigest()


@pytest.mark.parametrize("content", [b"", b"\n", b" \r\n\r\n", b"\xef\xbb\xbf"])
def test_a_file_without_words_is_refused(tmp_path, content):
  with pytest.raises(ValueError, match=r"test\.txt: expected text, found no words"):
    text.TextFiles(write_files(tmp_path, test=content)).lines("test")


@pytest.mark.parametrize(
  "content, message",
  [
    (b"a\nb\rc \xff\n", r"test\.txt: line 3 is not UTF-8 \(byte 0xff\) at offset 6; convert"),
    ("a\n".encode("utf-16"), r"line 1 is not UTF-8 \(byte 0xff\) at offset 0; convert"),
    (gzip.compress(b"a", mtime=0), r"line 1 is not UTF-8 \(byte 0x8b\) at offset 1; decompress it, or name it .txt.gz"),
  ],
)
def test_a_file_that_is_not_utf8_is_refused_with_line_and_offset(tmp_path, content, message):
  with pytest.raises(ValueError, match=message):
    text.TextFiles(write_files(tmp_path, test=content)).lines("test")


def test_a_missing_file_is_named(tmp_path):
  directory = write_files(tmp_path)
  (tmp_path / "valid.txt").unlink()
  with pytest.raises(FileNotFoundError, match=r"no valid text: expected .*valid\.txt or .*valid\.txt\.gz"):
    text.TextFiles(directory)


def test_a_text_may_be_in_a_directory_with_any_name(tmp_path):
  directory = tmp_path / "a [b]*? {c} ünïcode"
  directory.mkdir()
  source = text.TextFiles(write_files(directory))
  assert LocalText(source=source, data_dir=str(directory / "d [e]*")).lines("test") == sentences("test")


@pytest.mark.parametrize(
  "content",
  [gzip.compress(b"a b c " * 1000, mtime=0)[:-20], gzip.compress(b"a", mtime=0)[:-1], b"", b"\x1f\x8b", b"a b"],
)
def test_an_archive_that_is_cut_off_or_none_is_refused(tmp_path, content):
  directory = write_files(tmp_path)
  (tmp_path / "test.txt").unlink()
  (tmp_path / "test.txt.gz").write_bytes(content)
  with pytest.raises(ValueError, match=r"test\.txt\.gz: (cannot be decompressed|expected text)"):
    text.TextFiles(directory).lines("test")


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
