"""The decoder: teaching a sequence equals writing it step by step, and illegal tokens have no probability."""

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.controller.decoder import shift_right
from nao_tf.controller.encoder import architecture_embedding
from tests.support import controller_cases as cases

every_form = pytest.mark.parametrize("attention", cases.FORMS)


def test_the_decoder_reads_the_start_token_and_then_all_but_the_last():
  np.testing.assert_array_equal(shift_right(tf.constant([[1, 2, 3]])), [[0, 1, 2]])


@every_form
def test_illegal_tokens_have_no_probability_while_taught(attention):
  controller = cases.small_controller(attention=attention)
  tokens, memory = cases.some_tokens(6), cases.some_memory(controller, 6)
  logits = controller.decoder.teach(tokens, memory, architecture_embedding(memory))
  probabilities = tf.nn.softmax(logits).numpy()
  assert np.all(probabilities[:, ~cases.VOCABULARY.legal] == 0)
  assert np.all(probabilities[:, cases.VOCABULARY.legal] > 0)


@every_form
@pytest.mark.parametrize("changes", [{}, {"unroll": False}, {"double_bias": True, "combine_bias": True}])
def test_the_whole_sequence_at_once_equals_step_by_step(attention, changes):
  controller = cases.small_controller(attention=attention, **changes)
  decoder, tokens, memory = controller.decoder, cases.some_tokens(6), cases.some_memory(controller, 6)
  constants, state = decoder.begin(memory, architecture_embedding(memory))
  steps = []
  for token in np.asarray(shift_right(tf.constant(tokens))).T:
    logits, state = decoder.step(tf.constant(token), state, constants)
    steps.append(logits)
  taught = decoder.teach(tokens, memory, architecture_embedding(memory))
  np.testing.assert_allclose(taught, np.stack(steps, axis=1) + decoder.mask, rtol=1e-4, atol=1e-5)


def test_with_input_feeding_attention_acts_on_the_next_token():
  controller = cases.small_controller(attention="bahdanau")
  tokens, memory = cases.some_tokens(6), cases.some_memory(controller, 6)
  embedding = architecture_embedding(memory)
  before = controller.decoder.teach(tokens, memory, embedding).numpy()
  after = controller.decoder.teach(tokens, memory[:, ::-1] * 2, embedding).numpy()
  np.testing.assert_array_equal(before[:, 0], after[:, 0])
  assert not np.allclose(before[:, 1], after[:, 1])


def test_luongs_attention_acts_on_the_token_itself():
  controller = cases.small_controller(attention="bilinear")
  tokens, memory = cases.some_tokens(6), cases.some_memory(controller, 6)
  embedding = architecture_embedding(memory)
  before, after = (controller.decoder.teach(tokens, m, embedding).numpy() for m in (memory, 2 * memory))
  assert not np.allclose(before[:, 0], after[:, 0])
