"""What language models cost: exactly what they have once they are built."""

import numpy as np
import pytest

from nao_tf.networks.language_costs import language_costs
from nao_tf.networks.language_model import LanguageModelConfig, count_parameters, language_model
from nao_tf.spaces import make_space
from nao_tf.spaces.genotypes import LstmGenotype
from nao_tf.spaces.published import RECURRENT_CELLS

CONFIG = LanguageModelConfig(units=6)
RANDOM = make_space("rnn12").decode(make_space("rnn12").sample(np.random.default_rng(0)))


@pytest.mark.parametrize("genotype", [RANDOM, LstmGenotype()], ids=["rnn12", "lstm"])
def test_a_model_costs_what_it_has(genotype):
  parts = language_costs(genotype, CONFIG, 11)
  network = language_model(genotype, CONFIG, vocabulary_size=11)
  assert sum(part.parameters for part in parts) == count_parameters(genotype, CONFIG, vocabulary_size=11)
  matrices = sum(int(np.prod(weight.shape)) for weight in network.trainable_weights if len(weight.shape) == 2)
  assert sum(part.multiply_adds for part in parts) == matrices  # Each is multiplied once a token.


@pytest.mark.parametrize(("units", "words", "size"), [(850, 10_000, 27_295_000), (700, 33_278, 36_067_878)])
def test_published_sizes(units, words, size):
  parts = language_costs(RECURRENT_CELLS["NAO-RNN"].genotype, LanguageModelConfig(units), words)
  assert sum(part.parameters for part in parts) == size


def test_memory():
  embedding, cell, softmax = language_costs(RANDOM, CONFIG, 11)
  assert (embedding.values, softmax.values) == (2 * 6, 6 + 11)  # With the previous output; with the logits.
  assert cell.values == (12 + 2) * 6  # Twelve states, and the last product.
