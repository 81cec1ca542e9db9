"""Our attention, decoders and beam search against those of TensorFlow Addons, with the same weights."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from nao_tf.controller.decoder import shift_right
from nao_tf.controller.encoder import architecture_embedding
from nao_tf.controller.vocabulary import Vocabulary
from tests.support import controller_cases as cases

tfa = pytest.importorskip("tensorflow_addons")

COUNT, SIZE = 6, cases.SMALL.encoder_size
ONE_KIND = Vocabulary.of(cases.ToySpace(6 * (("operation", 4),), decisions_per_step=2))


def value(weight):
  return np.asarray(tf.convert_to_tensor(weight))


def mechanism_of(controller, memory):
  """The Addons mechanism with the weights of the controller's attention, set up on a memory."""
  attention, bahdanau = controller.decoder.attention, controller.config.attention == "bahdanau"
  form = tfa.seq2seq.BahdanauAttention if bahdanau else tfa.seq2seq.LuongAttention
  mechanism = form(SIZE, **({"normalize": True} if bahdanau else {}))
  mechanism.memory_layer.build(memory.shape)
  if bahdanau:
    mechanism.query_layer.build((None, SIZE))
    mechanism.query_layer.set_weights([value(attention.query_kernel)])
  mechanism.memory_layer.set_weights([memory_kernel(attention, bahdanau)])
  mechanism.setup_memory(memory)
  mechanism([tf.zeros((len(memory), SIZE)), tf.zeros(memory.shape[:2])])
  if bahdanau:
    mechanism.attention_v.assign(value(attention.direction))
    mechanism.attention_g.assign(value(attention.gain))
    mechanism.attention_b.assign(value(attention.bias))
  return mechanism


def memory_kernel(attention, bahdanau):
  if bahdanau:
    return value(attention.memory_kernel)
  return np.eye(SIZE, dtype=np.float32) if attention.query_kernel is None else value(attention.query_kernel).T


def cell_of(controller):
  lstm = controller.decoder.lstm
  cell = keras.layers.LSTMCell(SIZE)
  cell.build((None, lstm.kernel.shape[0]))
  cell.set_weights([value(lstm.kernel), value(lstm.recurrent_kernel), value(lstm.total_bias())])
  return cell


def wrapper_of(controller, memory):
  """The Addons decoder cell that has the weights and the form of the controller's decoder."""
  options = {"attention_layer_size": None, "output_attention": False}
  if controller.config.attention != "bahdanau":
    combine = keras.layers.Dense(SIZE, "tanh", use_bias=False)
    combine.build((None, 2 * SIZE))
    combine.set_weights([np.roll(value(controller.decoder.combine.kernel), SIZE, axis=0)])
    options = {"attention_layer": combine, "cell_input_fn": lambda inputs, attention: inputs}
  return tfa.seq2seq.AttentionWrapper(cell_of(controller), mechanism_of(controller, memory), **options)


def initial_state(wrapper, embedding):
  state = wrapper.get_initial_state(batch_size=len(embedding), dtype=tf.float32)
  return state.clone(cell_state=[embedding, embedding])


def readout_of(controller):
  layer = keras.layers.Dense(controller.vocabulary.size)
  layer.build((None, SIZE))
  kernel, bias = controller.decoder.readout.get_weights()
  layer.set_weights([kernel, bias + controller.decoder.mask[0]])
  return layer


def perturbed_controller(attention, **changes):
  """A controller none of whose weights is at a special value such as 0."""
  controller, rng = cases.small_controller(attention=attention, **changes), np.random.default_rng(3)
  controller.set_weights([weight + rng.normal(0, 0.3, weight.shape) for weight in controller.get_weights()])
  return controller


@pytest.mark.parametrize("attention", cases.FORMS)
def test_alignments_are_those_of_addons(attention):
  controller = perturbed_controller(attention)
  ours, memory = controller.decoder.attention, cases.some_memory(controller, COUNT)
  query = np.random.default_rng(1).normal(size=(COUNT, SIZE)).astype(np.float32)
  theirs, _ = mechanism_of(controller, memory)([query, tf.zeros(memory.shape[:2])])
  queries = query if attention == "bahdanau" else query[:, np.newaxis]
  np.testing.assert_allclose(np.squeeze(ours.alignments(queries, ours.keys(memory))), theirs, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("attention", cases.FORMS)
def test_logits_of_a_taught_sequence_are_those_of_addons_attention_wrapper(attention):
  controller = perturbed_controller(attention)
  tokens, memory = cases.some_tokens(COUNT), cases.some_memory(controller, COUNT)
  embedding, table = architecture_embedding(memory), value(controller.decoder.embedding.table)
  wrapper = wrapper_of(controller, memory)
  state, outputs = initial_state(wrapper, embedding), []
  for token in shift_right(tf.constant(tokens)).numpy().T:
    output, state = wrapper(table[token], state)
    outputs.append(controller.decoder.readout(output))
  ours = controller.decoder.teach(tokens, memory, embedding) - controller.decoder.mask
  legal = np.broadcast_to(cases.VOCABULARY.legal, ours.shape)
  np.testing.assert_allclose(ours.numpy()[legal], np.stack(outputs, axis=1)[legal], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("attention", cases.FORMS)
@pytest.mark.parametrize("width", [1, 3, 8])
def test_beams_are_those_of_addons_beam_search_decoder(attention, width):
  controller = perturbed_controller(attention, vocabulary=ONE_KIND)
  memory = cases.some_memory(controller, COUNT)
  tiled = tfa.seq2seq.tile_batch(memory, width)
  wrapper = wrapper_of(controller, tiled)
  decoder = tfa.seq2seq.BeamSearchDecoder(
    wrapper,
    width,
    embedding_fn=lambda tokens: tf.gather(value(controller.decoder.embedding.table), tokens),
    output_layer=readout_of(controller),
    maximum_iterations=ONE_KIND.length,
  )
  start, state = np.zeros(COUNT, np.int32), initial_state(wrapper, architecture_embedding(tiled))
  found, final, _ = decoder(None, start_tokens=start, end_token=0, initial_state=state)
  tokens, log_probabilities = controller.beam_search(memory, width)
  np.testing.assert_array_equal(tokens, np.swapaxes(found.predicted_ids, 1, 2))
  np.testing.assert_allclose(log_probabilities, final.log_probs, rtol=1e-4)
