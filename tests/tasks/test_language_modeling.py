import numpy as np
import pytest
import tensorflow_datasets as tfds

from nao_tf.tasks import make_task
from nao_tf.tasks.language_modeling import LanguageModeling
from nao_tf.tasks.text import WordVocabulary
from tests.support.real_data import data_path
from tests.support.toy_text import sentences, toy_task, write_files


def test_the_reward_grows_as_the_perplexity_falls():
  task = toy_task()
  good, bad = (task.metrics({"loss": loss}) for loss in (1.0, 2.0))
  assert good["perplexity"] == pytest.approx(np.e) and good["perplexity"] < bad["perplexity"]
  assert task.reward(good) == -1.0 > task.reward(bad)


@pytest.mark.filterwarnings("error")
def test_the_perplexity_of_a_model_that_diverges_is_infinite():
  assert toy_task().metrics({"loss": 1000.0}) == {"loss": 1000.0, "perplexity": float("inf")}


def test_a_plan_reads_a_text_and_writes_none(tmp_path):
  data_dir = str(tmp_path / "data")
  task = make_task("text", text_dir=write_files(tmp_path), data_dir=data_dir)
  task.prepare_nothing()
  assert task.num_examples("train") == 300 and not (tmp_path / "data").exists()


def test_examples_are_tokens():
  assert [toy_task().num_examples(split) for split in ("train", "valid", "test")] == [300, 75, 60]
  with pytest.raises(ValueError, match="unknown split 'validation'"):
    toy_task().num_examples("validation")


def test_a_text_is_prepared_once_and_read_as_any_set(tmp_path):
  source = tmp_path / "my text"
  source.mkdir()
  text_dir, data_dir = write_files(source), str(tmp_path / "data")
  task = make_task("text", text_dir=text_dir, data_dir=data_dir)
  expected = WordVocabulary.of(sentences("train"))
  assert task.vocabulary.words == expected.words
  for split in ("train", "valid", "test"):
    np.testing.assert_array_equal(task.tokens(split), expected.encode(sentences(split)))
  (prepared,) = (tmp_path / "data" / "local_text").iterdir()
  assert prepared.name.startswith("my_text-")
  dataset = tfds.builder_from_directory(str(prepared / "1.0.0")).as_dataset(split="validation")
  assert [example["text"].decode() for example in tfds.as_numpy(dataset)] == sentences("valid")
  changed = (prepared / "1.0.0" / "dataset_info.json").stat().st_mtime_ns
  again = make_task("text", text_dir=text_dir, data_dir=data_dir)
  np.testing.assert_array_equal(again.tokens("test"), task.tokens("test"))
  assert (prepared / "1.0.0" / "dataset_info.json").stat().st_mtime_ns == changed


@pytest.mark.parametrize(
  "content, message",
  [
    (b"", r"train\.txt: expected text, found no words"),
    (b" \n\n", r"train\.txt: expected text, found no words"),
    (b"good line\nbad \xff line\n", r"train\.txt: line 2 is not UTF-8 \(byte 0xff\)"),
  ],
)
def test_what_is_no_text_is_refused_with_its_place(tmp_path, content, message):
  task = make_task("text", text_dir=write_files(tmp_path, train=content), data_dir=str(tmp_path / "data"))
  with pytest.raises(ValueError, match=message):
    task.num_examples("train")
  assert not (tmp_path / "data").exists()


def test_a_missing_file_is_named(tmp_path):
  with pytest.raises(FileNotFoundError, match=r"no train text: expected .*train\.txt or .*train\.txt\.gz"):
    make_task("text", text_dir=str(tmp_path))


def test_a_directory_is_needed_where_there_is_none_built_in():
  with pytest.raises(ValueError, match="'ptb' needs the directory of its text: --text_dir"):
    make_task("ptb")
  with pytest.raises(ValueError, match="'python_reference' has no option text_dir"):
    make_task("python_reference", text_dir="/anywhere")


def test_a_published_text_of_another_size_is_refused(tmp_path):
  task = make_task("ptb", text_dir=write_files(tmp_path), data_dir=str(tmp_path / "data"))
  with pytest.raises(
    ValueError, match="ptb: expected 10000 words, got 10; the task for a text of your own is called text"
  ):
    task.num_examples("train")


def test_a_vocabulary_needs_room_for_a_word():
  with pytest.raises(ValueError, match="max_vocabulary must be at least 3"):
    LanguageModeling("toy", None, max_vocabulary=2)


@pytest.mark.slow
@pytest.mark.parametrize(
  "name, directory, tokens, words",
  [
    ("ptb", "text/penn", (929_589, 73_760, 82_430), 10_000),
    ("wikitext2", "text/wikitext-2", (2_088_628, 217_646, 245_569), 33_278),
  ],
)
def test_published_texts_have_their_sizes(name, directory, tokens, words, tmp_path):
  task = make_task(name, text_dir=data_path(directory), data_dir=str(tmp_path))
  assert tuple(task.num_examples(split) for split in ("train", "valid", "test")) == tokens
  assert len(task.vocabulary) == words
