"""Language models as models of Keras: built by name, loaded from a training, saved, and what is refused."""

import os

import numpy as np
import pytest

import nao_tf
from nao_tf.networks.registered_layers import TiedEmbedding
from nao_tf.serving.trained_networks import read_trained_network
from nao_tf.tools import export, train
from tests.support.toy_text import write_files
from tests.tools.test_tools import run

FLAGS = ["--task=text", "--architecture=ENAS-RNN", "--units=8", "--epochs=1", "--batch_size=4", "--segment_length=10"]
TOKENS = np.random.default_rng(0).integers(0, 10, (2, 6)).astype(np.int32)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
  """The directory of a finished training on a toy text of ten words."""
  directory = tmp_path_factory.mktemp("text")
  data = [f"--text_dir={write_files(directory)}", f"--data_dir={directory}/prepared"]
  assert run(train, f"--workdir={directory}/run", *data, *FLAGS) == 0
  return str(directory / "run")


def test_a_trained_language_model_answers_as_it_did_and_is_trained_further(trained, tmp_path):
  model, network = nao_tf.load_model(trained), read_trained_network(trained).network
  scores = np.array(network(TOKENS)[0])
  expected = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
  np.testing.assert_allclose(model.predict(TOKENS, verbose=0), expected, atol=1e-5)
  assert set(model.evaluate(TOKENS, TOKENS, verbose=0, return_dict=True)) == {"loss", "accuracy"}
  model.save(tmp_path / "x.keras")
  np.testing.assert_allclose(nao_tf.load_model(tmp_path / "x.keras")(TOKENS), model(TOKENS), atol=1e-6)


def test_a_trained_language_model_is_exported_as_a_file_of_keras(trained, tmp_path, capsys):
  path = str(tmp_path / "x.keras")
  assert run(export, f"--workdir={trained}", "--format=keras", f"--output={path}") == 0
  printed = capsys.readouterr().out
  assert "probabilities after 128 words differ by at most" in printed and f"nao_tf.load_model('{path}')" in printed
  np.testing.assert_allclose(nao_tf.load_model(path)(TOKENS), nao_tf.load_model(trained)(TOKENS), atol=1e-6)
  assert os.listdir(tmp_path) == ["x.keras"]
  with pytest.raises(ValueError, match="'tflite' is for image networks; text is a text, use 'saved_model' or 'keras'"):
    run(export, f"--workdir={trained}", "--format=tflite", f"--output={tmp_path}/x.tflite")


def test_weights_of_a_training_may_lose_the_softmax_and_keep_their_dropout(trained):
  model = nao_tf.build("ENAS-RNN", weights=trained, include_top=False, training_graph=True)
  network = read_trained_network(trained).network
  np.testing.assert_allclose(model(TOKENS), np.swapaxes(network.features(TOKENS).outputs, 0, 1), atol=1e-5)
  assert model.get_layer("cell_input_dropout").rate == network.config.cell_input_dropout
  assert not any(isinstance(layer, TiedEmbedding) for layer in model.layers)


def test_a_published_cell_is_built_by_name():
  model = nao_tf.build("DARTS-RNN-V2", vocabulary_size=10, units=4, dropout=0.5)
  assert (model.name, model.output_shape) == ("darts_rnn_v2", (None, None, 10))
  assert model.get_layer("output_dropout").rate == 0.5
  again = nao_tf.build("DARTS-RNN-V2", vocabulary_size=10, units=4)
  np.testing.assert_array_equal(model(TOKENS), again(TOKENS))


@pytest.mark.parametrize(
  ("architecture", "changes", "message"),
  [
    ("ENAS-RNN", {"units": 9}, "run: were trained with units 8, got 9"),
    ("ENAS-RNN", {"vocabulary_size": 9}, "run: were trained with vocabulary_size 10, got 9"),
    ("lstm", {}, "run: were trained for another architecture, ENAS-RNN, got lstm"),
    ("ENAS-RNN", {"weights": None}, "build needs vocabulary_size for a language model, or weights"),
    ("DARTS-RNN-V3", {}, "'DARTS-RNN-V3' is not a published name .did you mean .*DARTS-RNN-V2"),
    (
      "ENAS-RNN",
      {"num_classes": 3},
      "expected the genotype of an image network, got a RecurrentGenotype; it has no num",
    ),
    ("NAONet-WS", {"num_classes": 10, "input_shape": (8, 8, 1)}, "run: expected the training of an image network"),
    ("ENAS-RNN", {"weights": None, "vocabulary_size": 0}, "vocabulary_size must be at least 1, got 0"),
  ],
)
def test_wrong_arguments_are_refused(trained, architecture, changes, message):
  with pytest.raises(ValueError, match=message):
    nao_tf.build(architecture, **{"weights": trained, **changes})
