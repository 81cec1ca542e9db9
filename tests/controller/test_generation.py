"""Writing sequences: everything is legal, and draws and beams have the probabilities that they claim."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.controller.encoder import architecture_embedding
from nao_tf.controller.vocabulary import Vocabulary
from tests.support import controller_cases as cases

every_form = pytest.mark.parametrize("attention", cases.FORMS)


def all_sequences():
  choices = itertools.product(*(range(size) for size in cases.VOCABULARY.sizes))
  return cases.VOCABULARY.encode(list(choices))


def log_probabilities(controller, memory, tokens):
  """Log-probability of each sequence [N, L] given its memory, by teacher forcing."""
  logits = controller.decoder.teach(tokens, memory, architecture_embedding(memory))
  steps = tf.nn.log_softmax(logits)
  return tf.reduce_sum(tf.gather(steps, tokens, batch_dims=2), axis=-1).numpy()


@every_form
def test_greedy_writing_takes_the_likeliest_token_each_time(attention, no_graphs):
  controller = cases.small_controller(attention=attention)
  memory = cases.some_memory(controller, 6)
  tokens = controller.decode(memory)
  logits = controller.decoder.teach(tokens, memory, architecture_embedding(memory))
  np.testing.assert_array_equal(tokens, tf.argmax(logits, axis=-1))


@every_form
def test_whatever_is_written_is_legal(attention):
  controller = cases.small_controller(attention=attention)
  memory = cases.some_memory(controller, 20)
  beams, _ = controller.beam_search(memory, 4)
  for tokens in (controller.decode(memory), controller.decode(memory, 5.0, seed=1), beams):
    cases.VOCABULARY.decode(np.reshape(tokens, (-1, 4)))


@pytest.mark.parametrize("temperature", [1e6, 1e12, 1e30])
def test_no_temperature_is_so_high_that_something_illegal_is_written(temperature, no_graphs):
  controller = cases.small_controller()
  tokens = controller.decode(cases.some_memory(controller, 200), temperature, seed=1)
  cases.VOCABULARY.decode(np.reshape(tokens, (-1, 4)))


def test_temperature_zero_is_greedy_and_equal_seeds_draw_equal_tokens(no_graphs):
  controller = cases.small_controller()
  memory = cases.some_memory(controller, 50)
  np.testing.assert_array_equal(controller.decode(memory, 0.0, seed=3), controller.decode(memory))
  np.testing.assert_array_equal(controller.decode(memory, 1.0, seed=3), controller.decode(memory, 1.0, seed=3))
  assert np.any(controller.decode(memory, 1.0, seed=3) != controller.decode(memory, 1.0, seed=4))
  assert np.any(controller.decode(memory, 1.0, seed=(3, 1)) != controller.decode(memory, 1.0, seed=(3, 2)))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_draws_follow_the_softmax_at_the_temperature(temperature, no_graphs):
  controller, count = cases.small_controller(), 4000
  memory = np.repeat(cases.some_memory(controller, 1), count, axis=0)
  drawn = controller.decode(memory, temperature, seed=5).numpy()[:, 0]
  logits = controller.decoder.teach(cases.some_tokens(1), memory[:1], architecture_embedding(memory[:1]))
  expected = tf.nn.softmax(logits[0, 0] / temperature).numpy()
  found = np.bincount(drawn, minlength=len(expected)) / count
  assert np.all(np.abs(found - expected) <= 4 * np.sqrt(expected * (1 - expected) / count))  # 4 sigma


def test_a_row_of_temperatures_draws_again_from_the_same_memory(no_graphs):
  controller = cases.small_controller()
  memory = cases.some_memory(controller, 5)
  tokens = controller.decode(memory, np.array([[0.0], [0.0], [3.0]]), seed=1)
  assert tokens.shape == (3, 5, 4)
  np.testing.assert_array_equal(tokens[0], controller.decode(memory))
  np.testing.assert_array_equal(tokens[0], tokens[1])


@every_form
def test_a_beam_of_one_is_greedy(attention, no_graphs):
  controller = cases.small_controller(attention=attention)
  memory = cases.some_memory(controller, 6)
  np.testing.assert_array_equal(controller.beam_search(memory, 1)[0][:, 0], controller.decode(memory))


@every_form
def test_a_beam_as_wide_as_the_language_finds_every_sequence_with_its_probability(attention, no_graphs):
  controller, sequences = cases.small_controller(attention=attention), all_sequences()
  memory = cases.some_memory(controller, 2)
  tokens, scores = (part.numpy() for part in controller.beam_search(memory, len(sequences)))
  for row in range(2):
    expected = log_probabilities(controller, np.repeat(memory[row : row + 1], len(sequences), axis=0), sequences)
    order = {tuple(sequence): value for sequence, value in zip(sequences.tolist(), expected)}
    np.testing.assert_allclose(scores[row], [order[tuple(s)] for s in tokens[row].tolist()], rtol=1e-4)
    assert np.all(np.diff(scores[row]) <= 0)
    assert np.exp(scores[row]).sum() == pytest.approx(1, rel=1e-4)


def test_a_beam_wider_than_the_language_is_refused():
  controller = cases.small_controller()
  with pytest.raises(ValueError, match="at most the 36 legal sequences, got 37"):
    controller.beam_search(cases.some_memory(controller, 1), 37)


def test_no_sequence_at_all_is_written_for_no_memory():
  controller = cases.small_controller()
  assert controller.decode(np.zeros((0, 2, 5), np.float32)).shape == (0, 4)


def test_positions_may_have_different_numbers_of_choices(no_graphs):
  space = cases.ToySpace((("input", 2), ("operation", 3), ("input", 5), ("operation", 3)), decisions_per_step=2)
  vocabulary = Vocabulary.of(space)
  controller = cases.small_controller(vocabulary=vocabulary)
  drawn = vocabulary.decode(controller.decode(cases.some_memory(controller, 300), 50.0, seed=1))
  assert [max(column) for column in zip(*drawn)] == [1, 2, 4, 2]
