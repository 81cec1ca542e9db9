"""Embeddings of ordered choices: alike where choices are, also after training."""

import numpy as np

from nao_tf.controller.config import ControllerConfig
from nao_tf.controller.encoder import Encoder
from nao_tf.controller.initialization import Initializer
from nao_tf.controller.ordered_tokens import mixing_matrix
from nao_tf.controller.vocabulary import Vocabulary
from nao_tf.spaces.base import Decision, SearchSpace

NUMBER, FINE, WORD = slice(1, 10), slice(10, 15), slice(15, 19)


class MixedSpace(SearchSpace):
  """A number, its refinement and a word."""

  name = "mixed"
  decisions = (
    Decision("number", 9, ordered=True),
    Decision("refinement", 5, ordered=True, reach=0.2),
    Decision("word", 4),
  )

  def decode(self, architecture):
    return architecture


def embeddings():
  config = ControllerConfig(token_size=400)
  encoder = Encoder(Vocabulary.of(MixedSpace()), config, Initializer(config, seed=0))
  return encoder.embedding, encoder.embedding.embeddings.numpy()


def distance(table, one, other):
  return np.linalg.norm(table[one] - table[other]) / table.shape[1] ** 0.5


def test_without_ordered_decisions_weights_are_the_embeddings():
  class Words(MixedSpace):
    decisions = (Decision("word", 4),)

  assert mixing_matrix(Vocabulary.of(Words())) is None


def test_neighboring_numbers_are_closer_than_distant_ones_and_words_are_all_apart():
  _, table = embeddings()
  numbers, words = table[NUMBER], table[WORD]
  steps = [distance(numbers, 4, 4 + i) for i in (1, 2, 4)]
  assert 2 * steps[0] < steps[1] + steps[0] < steps[2] + steps[0]
  assert steps[0] < 0.4 * distance(words, 0, 1)


def test_each_embedding_by_itself_is_as_large_as_any_other_but_for_its_reach():
  _, table = embeddings()
  sizes = np.linalg.norm(table, axis=1) / table.shape[1] ** 0.5
  np.testing.assert_allclose(sizes[NUMBER], 0.5, rtol=0.2)
  np.testing.assert_allclose(sizes[WORD], 0.5, rtol=0.2)
  np.testing.assert_allclose(sizes[FINE], 0.1, rtol=0.2)


def test_learning_about_a_number_changes_its_neighbors():
  matrix = mixing_matrix(Vocabulary.of(MixedSpace()))
  kernel = matrix @ matrix.T  # What a gradient of an embedding does to all embeddings.
  assert kernel[5, 6] > 0.8 * kernel[5, 5] and kernel[1, 9] < 0.1 * kernel[5, 5]
  assert not kernel[NUMBER, WORD].any() and not kernel[NUMBER, FINE].any()
