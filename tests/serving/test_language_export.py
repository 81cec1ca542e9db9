import json

import numpy as np
import pytest
import tensorflow as tf

from nao_tf import serving
from nao_tf.networks.language_model import language_model
from nao_tf.serving import language_export as export
from nao_tf.serving.saved_models import ExportError, load_saved_model
from nao_tf.spaces.genotypes import RecurrentGenotype
from nao_tf.tasks.language_modeling import LanguageModeling
from tests.support.toy_text import GENOTYPE, NETWORK, toy_task

pytestmark = pytest.mark.optimized  # Errors name what they name to users.


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
  """A directory with an exported language model, the language model, and its loaded export."""
  directory = str(tmp_path_factory.mktemp("export") / "model")
  task = toy_task()
  network = language_model(GENOTYPE, NETWORK, vocabulary_size=len(task.vocabulary), seed=3)
  serving.export_network(network, directory, genotype=GENOTYPE, task=task)
  return directory, network, export.load_exported(directory)


def expected_log_probabilities(network, line):
  vocabulary = toy_task().vocabulary
  targets = vocabulary.encode([line])[None]
  inputs = np.concatenate([[[vocabulary.end]], targets[:, :-1]], axis=1)
  return -network.token_losses(network.features(tf.constant(inputs)), tf.constant(targets))[0].numpy()


def test_lines_are_scored_as_the_network_does(exported):
  _, network, loaded = exported
  lines = ["a b c", "h", ""]
  answer = {k: v.numpy() for k, v in loaded.signatures["serving_default"](text=tf.constant(lines)).items()}
  assert answer["num_tokens"].tolist() == [4, 2, 1]
  for line, row, perplexity, words in zip(lines, *(answer[k] for k in ("log_probabilities", "perplexity", "words"))):
    expected = expected_log_probabilities(network, line)
    np.testing.assert_allclose(row[: len(expected)], expected, atol=1e-5)
    np.testing.assert_array_equal(row[len(expected) :], 0)
    assert perplexity == pytest.approx(np.exp(-np.mean(expected)), rel=1e-5)
    assert [word.decode() for word in words if word] == [*line.split(), "<eos>"]


def test_unknown_words_and_bytes_that_are_no_text_are_unk(exported):
  _, _, loaded = exported
  answer = loaded.signatures["serving_default"](text=tf.constant(["a zebra", b"a \xff\xfe", "a <unk>"]))
  assert [word.decode() for word in answer["words"].numpy()[:, 1]] == ["<unk>"] * 3
  assert len(set(answer["perplexity"].numpy().round(5))) == 1


@pytest.mark.parametrize("space", ["\u00a0", "\u3000", "\t", "\x1c", "\x85", "\u2028", "  ", "\r\n"])
def test_white_space_is_what_it_is_in_training(exported, space):
  _, _, loaded = exported
  line = f"{space}a{space}b"
  assert line.split() == ["a", "b"]
  words = loaded.signatures["serving_default"](text=tf.constant([line]))["words"].numpy()[0]
  assert [word.decode() for word in words] == ["a", "b", "<eos>"]


def test_continuing_word_by_word_agrees_with_scoring(exported):
  _, network, loaded = exported
  words, state, found = ["a", "b", "unheard", "c"], tf.zeros([1, NETWORK.units]), []
  vocabulary = toy_task().vocabulary
  for word, target in zip(["<eos>", *words], vocabulary.encode([" ".join(words)])):
    answer = loaded.signatures["continue"](word=tf.constant([word]), state=state)
    state = answer["state"]
    assert float(tf.reduce_sum(tf.exp(answer["log_probabilities"]))) == pytest.approx(1, abs=1e-5)
    best = vocabulary.words[int(tf.argmax(answer["log_probabilities"], 1)[0])]
    assert answer["most_likely"].numpy()[0].decode() == best
    found.append(float(answer["log_probabilities"][0, target]))
  np.testing.assert_allclose(found, expected_log_probabilities(network, " ".join(words)), atol=1e-5)


def test_vocabulary_and_genotype_are_assets(exported):
  directory, _, _ = exported
  with open(f"{directory}/assets/vocabulary.txt", encoding="utf-8") as file:
    assert tuple(file.read().split("\n")[:-1]) == toy_task().vocabulary.words
  with open(f"{directory}/assets/genotype.json", encoding="utf-8") as file:
    assert RecurrentGenotype.from_json(json.load(file)) == GENOTYPE


def test_an_export_is_evaluated_on_every_token(exported):
  directory, network, _ = exported
  metrics = serving.evaluate_exported(directory, toy_task())
  inputs, targets, weights = toy_task().evaluation_streams("test", 16)
  losses = network.token_losses(network.features(tf.constant(inputs)), tf.constant(targets)).numpy()
  assert metrics["tokens"] == 60
  assert metrics["loss"] == pytest.approx(np.sum(losses * weights) / 60, rel=1e-4)


def test_an_export_for_another_vocabulary_is_refused(exported):
  directory, _, _ = exported
  other = LanguageModeling("other", toy_task()._source, max_vocabulary=5)
  with pytest.raises(ExportError, match="another vocabulary, of 10 words where this text has 5$"):
    serving.evaluate_exported(directory, other)


def test_an_export_takes_the_place_of_an_earlier_one_only(tmp_path, exported):
  _, network, _ = exported
  (tmp_path / "precious").write_text("data")
  with pytest.raises(ExportError, match=r"will not be replaced, since it is not a SavedModel; it holds precious"):
    serving.export_network(network, str(tmp_path), genotype=GENOTYPE, task=toy_task())
  assert (tmp_path / "precious").read_text() == "data"


def test_what_is_no_language_model_is_refused(tmp_path, exported):
  directory, _, _ = exported
  with pytest.raises(ExportError, match=r"there is no saved_model\.pb"):
    export.load_exported(str(tmp_path))
  with pytest.raises(ExportError, match="has no signature serving_float"):
    load_saved_model(directory, ["serving_float"])


def test_no_texts_have_no_answers(exported):
  _, _, loaded = exported
  scores = loaded.signatures["serving_default"](text=tf.zeros([0], tf.string))
  assert {name: value.shape[0] for name, value in scores.items()} == dict.fromkeys(scores, 0)
  answer = loaded.signatures["continue"](word=tf.zeros([0], tf.string), state=tf.zeros([0, NETWORK.units]))
  assert {name: tuple(value.shape) for name, value in answer.items()} == {
    "state": (0, NETWORK.units),
    "log_probabilities": (0, len(toy_task().vocabulary)),
    "most_likely": (0,),
  }


def test_inputs_of_other_shapes_are_an_error_that_says_so(exported):
  _, _, loaded = exported
  with pytest.raises(tf.errors.InvalidArgumentError, match="Shape of tensor text"):
    loaded.signatures["serving_default"](text=tf.constant("a b"))
  with pytest.raises(tf.errors.InvalidArgumentError, match="word and state must have the same number of rows"):
    loaded.signatures["continue"](word=tf.constant(["a", "b"]), state=tf.zeros([1, NETWORK.units]))
  with pytest.raises(tf.errors.InvalidArgumentError, match="Shape of tensor"):
    loaded.signatures["continue"](word=tf.constant(["a"]), state=tf.zeros([1, NETWORK.units + 1]))


def test_a_recorded_vocabulary_is_that_of_the_text(tmp_path):
  serving.record_task(str(tmp_path), toy_task())
  task = serving.read_exporter(str(tmp_path)).task
  assert task.vocabulary.words == toy_task().vocabulary.words
  with pytest.raises(ValueError, match="the train text is not available"):
    task.num_examples("train")


def test_an_export_in_a_directory_with_brackets_is_evaluated(tmp_path, exported):
  directory, network, _ = exported
  serving.export_network(network, str(tmp_path / "a[1]"), genotype=GENOTYPE, task=toy_task())
  assert serving.evaluate_exported(str(tmp_path / "a[1]"), toy_task()) == pytest.approx(
    serving.evaluate_exported(directory, toy_task())
  )
