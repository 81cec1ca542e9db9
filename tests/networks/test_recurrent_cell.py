import math

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from nao_tf.networks import recurrence
from nao_tf.networks.recurrent_cell import RecurrentCell
from nao_tf.spaces.genotypes import RecurrentGenotype, RecurrentNode
from nao_tf.spaces.published import RECURRENT_CELLS

ALL_ACTIVATIONS = RecurrentGenotype(
  tuple(RecurrentNode(*node) for node in [(0, "sigmoid"), (0, "tanh"), (1, "relu"), (1, "identity"), (3, "tanh")])
)
GENOTYPES = {"all": ALL_ACTIVATIONS, **{name: cell.genotype for name, cell in RECURRENT_CELLS.items()}}
LENGTH, BATCH, UNITS, INPUTS = 4, 3, 5, 6


def sigmoid(x):
  return 1 / (1 + math.exp(-x))


def make_cell(genotype=ALL_ACTIVATIONS, **kwargs):
  cell = RecurrentCell(genotype, UNITS, initial_range=0.8, seed=1, **kwargs)
  cell.build((None, None, INPUTS))
  return cell


def segment(seed=0):
  rng = np.random.default_rng(seed)
  shapes = ((LENGTH, BATCH, INPUTS), (BATCH, UNITS), (BATCH, UNITS))
  inputs, hidden, mask = (rng.normal(size=shape).astype(np.float32) for shape in shapes)
  return tf.constant(inputs), tf.constant(hidden), tf.constant((mask > -0.3) / 0.75, tf.float32)


def test_a_step_is_that_of_the_paper_computed_by_hand():
  genotype = RecurrentGenotype((RecurrentNode(0, "relu"), RecurrentNode(1, "tanh"), RecurrentNode(0, "identity")))
  cell = RecurrentCell(genotype, 1)
  cell.build((None, 1))
  cell.input_kernel.assign([[0.5, -0.4]])
  for kernel, value in zip(cell.node_kernels, ([[0.1, 0.9]], [[0.3, 0.7]], [[-0.2, 0.6]], [[0.8, -0.5]])):
    kernel.assign(value)
  x, h, m_x, m_h = 2.0, 0.25, 0.5, 2.0  # the masks halve the input and double the state
  s0 = h + sigmoid(0.5 * x * m_x + 0.1 * h * m_h) * (math.tanh(-0.4 * x * m_x + 0.9 * h * m_h) - h)
  s1 = s0 + sigmoid(0.3 * s0 * m_h) * (max(0.0, 0.7 * s0 * m_h) - s0)
  s2 = s1 + sigmoid(-0.2 * s1 * m_h) * (math.tanh(0.6 * s1 * m_h) - s1)
  s3 = s0 + sigmoid(0.8 * s0 * m_h) * (-0.5 * s0 * m_h - s0)
  states = [tf.constant([[value]]) for value in (h, m_x, m_h)]
  output, _ = cell(tf.constant([[x]]), states, training=True)
  assert output.numpy().item() == pytest.approx((s1 + s2 + s3) / 3, abs=1e-6)


def test_masks_do_not_act_in_inference():
  cell = make_cell(input_dropout=0.5, state_dropout=0.5)
  inputs, hidden, mask = segment()
  ones = tf.ones([BATCH, INPUTS])
  masked, _ = cell(inputs[0], [hidden, 0 * ones, mask], training=False)
  free, _ = cell(inputs[0], [hidden, ones, tf.ones_like(mask)], training=True)
  np.testing.assert_allclose(masked, free, rtol=1e-6)


@pytest.mark.parametrize("genotype", GENOTYPES.values(), ids=GENOTYPES)
def test_a_segment_is_its_steps_one_after_the_other(genotype):
  cell = make_cell(genotype)
  inputs, hidden, mask = segment()
  state, expected = [hidden, tf.ones([BATCH, INPUTS]), mask], []
  for time in range(LENGTH):
    output, state = cell(inputs[time], state, training=True)
    expected.append(output)
  for training in (False, True):
    outputs, last = cell.run(inputs, hidden, mask, training=training)
    np.testing.assert_allclose(outputs, tf.stack(expected), atol=1e-6)
    np.testing.assert_allclose(last, expected[-1], atol=1e-6)


@pytest.mark.parametrize("genotype", [GENOTYPES["all"], GENOTYPES["NAO-RNN"]], ids=["all", "NAO-RNN"])
def test_the_gradient_of_a_segment_is_that_of_automatic_differentiation(genotype):
  cell = make_cell(genotype)
  inputs, hidden, mask = segment()
  upstream = tf.random.stateless_normal([LENGTH, BATCH, UNITS], [1, 2])

  def gradients(training):
    with tf.GradientTape() as tape:
      tape.watch([inputs, hidden])
      outputs, _ = cell.run(inputs, hidden, mask, training=training)
      loss = tf.reduce_sum(outputs * upstream)
    return tape.gradient(loss, [inputs, hidden, *cell.trainable_variables])

  for ours, automatic in zip(*(tf.function(gradients, autograph=False)(training) for training in (True, False))):
    np.testing.assert_allclose(ours, automatic, rtol=1e-4, atol=1e-5)


def test_a_segment_without_mask_is_one_with_a_mask_of_ones():
  cell = make_cell()
  inputs, hidden, _ = segment()
  with_ones = cell.run(inputs, hidden, tf.ones([BATCH, UNITS]), training=True)[0]
  np.testing.assert_allclose(cell.run(inputs, hidden, training=True)[0], with_ones)


def test_it_is_a_cell_for_keras_rnn():
  cell = make_cell(state_dropout=0.5)
  inputs, _, _ = segment()
  layer = keras.layers.RNN(cell, return_sequences=True)
  outputs = layer(tf.transpose(inputs, [1, 0, 2]))
  expected, _ = cell.run(inputs, tf.zeros([BATCH, UNITS]))
  np.testing.assert_allclose(outputs, tf.transpose(expected, [1, 0, 2]), atol=1e-6)


def test_keras_rnn_draws_masks_once_a_sequence():
  # Without state dropout and with identity nodes alone, an input that is dropped is dropped at all steps or at none.
  cell = RecurrentCell(RecurrentGenotype((RecurrentNode(0, "identity"),)), 1, input_dropout=0.5)
  cell.build((None, None, 1))
  cell.input_kernel.assign([[0.0, 50.0]])
  for kernel in cell.node_kernels:
    kernel.assign([[0.0, 0.0]])
  outputs = keras.layers.RNN(cell, return_sequences=True)(tf.ones([200, 5, 1]), training=True)
  moved = np.diff(np.pad(outputs[..., 0], [[0, 0], [1, 0]])) > 0
  assert {tuple(row) for row in moved} == {(True,) * 5, (False,) * 5}
  assert 60 < moved[:, 0].sum() < 140  # 5.6 sigma of 200 fair draws


def test_initial_masks_are_zero_or_scaled_to_mean_one():
  cell = make_cell(input_dropout=0.25, state_dropout=0.5)
  hidden, input_mask, state_mask = cell.get_initial_state(batch_size=2000)
  assert hidden.shape == (2000, UNITS) and not np.any(hidden)
  assert set(np.unique(np.round(input_mask, 4))) == {0.0, np.float32(1.3333)}
  assert set(np.unique(state_mask)) == {0.0, 2.0}
  assert np.mean(input_mask) == pytest.approx(1, abs=0.03)  # 5 sigma of 12,000 draws


def test_groups_have_the_readers_of_one_node_each_and_come_in_order():
  groups = recurrence.group_nodes(RECURRENT_CELLS["NAO-RNN"].genotype)
  assert [(g.predecessor, g.nodes) for g in groups] == [
    (-1, (0,)),
    (0, (1, 2)),
    (1, (3, 8, 10, 11)),
    (3, (4,)),
    (4, (5, 6)),
    (5, (7,)),
    (7, (9,)),
  ]


def test_weights_are_a_function_of_the_seed():
  first, second, other = (RecurrentCell(ALL_ACTIVATIONS, UNITS, seed=seed) for seed in (1, 1, 2))
  for cell in (first, second, other):
    cell.build((None, INPUTS))
  values = [np.concatenate([np.ravel(w) for w in cell.get_weights()]) for cell in (first, second, other)]
  np.testing.assert_array_equal(values[0], values[1])
  assert np.any(values[0] != values[2])
  assert np.max(np.abs(values[0])) <= 0.04 and len(set(values[0])) == len(values[0])


@pytest.mark.parametrize(
  "nodes, message",
  [
    ([(0, "swish")], "node 1: unknown activation 'swish'; expected one of tanh"),
    ([(0, "tanh"), (2, "tanh")], r"node 2: its predecessor must be in \[0, 2\), got 2"),
  ],
)
def test_a_malformed_genotype_is_refused(nodes, message):
  with pytest.raises(ValueError, match=message):
    RecurrentCell(RecurrentGenotype(tuple(RecurrentNode(*node) for node in nodes)), UNITS)


@pytest.mark.parametrize("option", [{"units": 0}, {"input_dropout": 1.0}, {"state_dropout": -0.1}])
def test_numbers_out_of_range_are_refused(option):
  with pytest.raises(ValueError, match=next(iter(option))):
    RecurrentCell(ALL_ACTIVATIONS, **{"units": UNITS, **option})
