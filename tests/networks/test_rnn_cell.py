"""The cell for keras.layers.RNN: equal to the cell of language models, saved and loaded, with and without dropout."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from nao_tf.networks.recurrent_cell import RecurrentCell
from nao_tf.networks.rnn_cell import RNNCell
from nao_tf.spaces.genotypes import RecurrentGenotype, RecurrentNode
from nao_tf.spaces.published import RECURRENT_CELLS

UNITS, INPUTS = 4, 3
VECTORS = np.random.default_rng(0).normal(size=(2, 5, INPUTS)).astype(np.float32)
ENAS = RECURRENT_CELLS["ENAS-RNN"].genotype


@pytest.mark.parametrize("name", RECURRENT_CELLS)
def test_it_computes_what_the_cell_of_language_models_computes(name):
  genotype = RECURRENT_CELLS[name].genotype
  ours, other = (kind(genotype, UNITS, initial_range=0.8, seed=1) for kind in (RNNCell, RecurrentCell))
  found, state = keras.layers.RNN(ours, return_sequences=True, return_state=True)(VECTORS)
  other.build((None, None, INPUTS))
  expected, last = other.run(tf.transpose(VECTORS, [1, 0, 2]), tf.zeros([len(VECTORS), UNITS]))
  np.testing.assert_allclose(tf.transpose(found, [1, 0, 2]), expected, atol=1e-6)
  np.testing.assert_allclose(state, last, atol=1e-6)


@pytest.mark.parametrize("state_dropout", [0.0, 0.5])
def test_a_model_with_it_is_saved_loaded_and_trained(tmp_path, state_dropout):
  inputs = keras.Input((None, INPUTS))
  cell = RNNCell(ENAS, UNITS, state_dropout=state_dropout, seed=3)
  model = keras.Model(inputs, keras.layers.RNN(cell)(inputs))
  model.save(tmp_path / "x.keras")
  loaded = keras.models.load_model(tmp_path / "x.keras")
  np.testing.assert_allclose(loaded(VECTORS), model(VECTORS), atol=1e-6)
  again = loaded.layers[-1].cell
  assert (again.genotype, again.state_dropout) == (ENAS, state_dropout)
  loaded.compile("sgd", "mse")
  before = np.array(loaded(VECTORS))
  loaded.fit(VECTORS, np.ones((len(VECTORS), UNITS)), epochs=1, verbose=0)
  assert np.abs(np.array(loaded(VECTORS)) - before).max() > 0


def test_dropout_has_one_mask_a_sequence_and_acts_in_training_alone():
  # A single node that copies the previous output: a unit that is dropped is 0 in the mask at every step.
  cell = RNNCell(RecurrentGenotype((RecurrentNode(0, "tanh"),)), UNITS, state_dropout=0.5, initial_range=0.8)
  layer = keras.layers.RNN(cell, return_sequences=True)
  free = layer(VECTORS)
  np.testing.assert_array_equal(layer(VECTORS, training=False), free)
  assert np.abs(layer(VECTORS, training=True) - np.array(free)).max() > 0
  hidden, mask = cell.get_initial_state(batch_size=500)
  assert not np.any(hidden) and set(np.unique(mask)) == {0.0, 2.0}
  _, (_, kept) = cell(VECTORS[:, 0], [hidden[:2], mask[:2]], training=True)
  np.testing.assert_array_equal(kept, mask[:2])


@pytest.mark.parametrize(
  ("genotype", "message"),
  [
    (RecurrentGenotype((RecurrentNode(0, "swish"),)), "node 1: unknown activation 'swish'; expected one of tanh"),
    ({"recurrent": [[1, "tanh"]]}, r"node 1: its predecessor must be in \[0, 1\), got 1"),
    ({"lstm": []}, "not a recurrent genotype"),
  ],
)
def test_a_malformed_genotype_is_refused(genotype, message):
  with pytest.raises(ValueError, match=message):
    RNNCell(genotype, UNITS)
