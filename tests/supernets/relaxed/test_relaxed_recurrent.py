"""The relaxed recurrent cell against discrete ones, and searches for it."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.networks.language_model import LanguageModelConfig, language_model
from nao_tf.spaces import make_space
from nao_tf.spaces.genotypes import RecurrentGenotype, RecurrentNode
from nao_tf.spaces.recurrent import RecurrentSpace
from nao_tf.supernets.relaxed import mixtures
from nao_tf.supernets.relaxed.config import PRESETS
from nao_tf.supernets.relaxed.relaxed_recurrent_cell import RelaxedLanguageModel
from nao_tf.supernets.relaxed.relaxed_recurrent_trainer import OPERATIONS, make_relaxed_recurrent_trainer
from nao_tf.training.language_config import LanguageTrainingConfig
from nao_tf.training.training_directory import TrainingDirectory
from tests.support.toy_text import toy_task

SPACE = RecurrentSpace("small", 2)
FIRST = dataclasses.replace(PRESETS["darts_first"], parameter_learning_rate=0.05)
NETWORK = LanguageModelConfig(units=5, initial_range=0.5).without_dropout()
TRAINING = LanguageTrainingConfig(
  epochs=2, batch_size=12, segment_length=8, segment_deviation=1.0, max_extra_length=2, learning_rate=5.0
)


def make_trainer(config, training=TRAINING, distribution=None, space=SPACE):
  distribution = distribution or tf.distribute.get_strategy()
  return make_relaxed_recurrent_trainer(toy_task(), space, NETWORK, training, config, distribution=distribution, seed=3)


def one_hot(genotype):
  """Returns the mixture of a discrete cell: the edges that it has not are absent."""
  rows = []
  for number, node in enumerate(genotype.nodes, start=1):
    for source in range(number):
      name = node.activation if source == node.predecessor else mixtures.ZERO
      rows.append(np.eye(len(OPERATIONS), dtype=np.float32)[OPERATIONS.index(name)])
  return tf.constant(np.stack(rows))


def test_a_mixture_of_one_operation_is_the_discrete_network():
  genotype = RecurrentGenotype(
    tuple(RecurrentNode(*pair) for pair in [(0, "relu"), (1, "tanh"), (0, "identity"), (3, "sigmoid")])
  )
  discrete = language_model(genotype, NETWORK, vocabulary_size=9, seed=2)
  relaxed = RelaxedLanguageModel(OPERATIONS, 4, NETWORK, 9, 2, normalized=False)
  for ours, theirs in zip(relaxed.trainable_variables, discrete.trainable_variables):
    np.testing.assert_array_equal(ours, theirs)
  tokens = tf.constant(np.random.default_rng(0).integers(9, size=(3, 6)), tf.int32)
  with relaxed.bound(one_hot(genotype)):
    logits, state = relaxed(tokens)
  expected, expected_state = discrete(tokens)
  np.testing.assert_allclose(logits, expected, atol=1e-6)
  np.testing.assert_allclose(state, expected_state, atol=1e-6)


def test_a_cell_without_a_mixture_is_refused():
  with pytest.raises(ValueError, match="needs a mixture"):
    RelaxedLanguageModel(OPERATIONS, 2, NETWORK, 9, 2)(tf.zeros([1, 2], tf.int32))


def test_each_node_keeps_its_strongest_edge():
  strengths = np.zeros((3, len(OPERATIONS)))
  strengths[0, [0, 2]] = 9.0, 1.0  # The absent operation is left out.
  strengths[2, 4] = 2.0
  genotype = mixtures.derive_recurrent(strengths, OPERATIONS, 2)
  assert genotype.nodes == (RecurrentNode(0, OPERATIONS[2]), RecurrentNode(1, OPERATIONS[4]))
  with pytest.raises(ValueError, match="expected strengths of shape"):
    mixtures.derive_recurrent(strengths, OPERATIONS, 3)


def test_the_space_of_the_paper_has_eight_nodes():
  space = make_space("rnn9")
  assert len(space.decode(space.sample(np.random.default_rng(0))).nodes) == 8
  shares = mixtures.recurrent_shares(np.zeros((36, 5)), OPERATIONS, 8)
  assert (shares[0].name, shares[-1].name) == ("0 to 1", "7 to 8") and sum(shares[5].values) == pytest.approx(1.0)


@pytest.fixture(scope="module")
def whole(deterministic_operations):
  """A whole search of first order, its history, and its strengths in the beginning."""
  trainer = make_trainer(FIRST)
  before = trainer.strengths.numpy()
  return trainer, list(trainer.fit()), before


@pytest.mark.parametrize("name", ["darts_first", "darts", pytest.param("snas", marks=pytest.mark.slow)])
def test_a_search_learns_and_derives_an_architecture_of_the_space(name, no_graphs, request):
  if name == "darts_first":
    trainer, history, before = request.getfixturevalue("whole")
  else:
    trainer = make_trainer(dataclasses.replace(PRESETS[name], parameter_learning_rate=0.05))
    before = trainer.strengths.numpy()
    history = list(trainer.fit())
  assert [metrics["epoch"] for metrics in history] == [1, 2]
  assert history[1]["train_loss"] < history[0]["train_loss"] < 3 * np.log(trainer.task.num_outputs)
  assert np.abs(trainer.strengths.numpy() - before).max() > 0.01
  assert SPACE.decode(trainer.architecture()) == trainer.derived()


def test_a_search_that_was_killed_within_an_epoch_goes_on_to_the_same_bits(whole, no_graphs, tmp_path):
  expected, _, _ = whole
  killed = make_trainer(FIRST)
  step = killed._step

  def die(*arguments):
    if killed.num_steps_done == count:
      raise KeyboardInterrupt
    return step(*arguments)

  killed._step, count = die, killed.steps_per_epoch + 1
  with TrainingDirectory(str(tmp_path), killed, checkpoint_seconds=0.0) as directory, pytest.raises(KeyboardInterrupt):
    directory.fit()
  resumed = make_trainer(FIRST)
  with TrainingDirectory(str(tmp_path), resumed) as directory:
    assert resumed.num_steps_done == count and len(directory.history) == 1
    directory.fit()
  np.testing.assert_array_equal(resumed.strengths, expected.strengths)
  for ours, theirs in zip(resumed.network.variables, expected.network.variables):
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
@pytest.mark.parametrize("preset", ["darts_first", "snas"])
def test_a_search_in_half_precision_ends_near_one_in_single_precision(no_graphs, preset, precision):
  """At rates at which rounding does not grow: Adam moves strengths by the sign of their gradient, however small."""
  training = dataclasses.replace(TRAINING, epochs=1, learning_rate=0.3)
  single, half = (
    make_trainer(PRESETS[preset], dataclasses.replace(training, mixed_precision=name)) for name in ("none", precision)
  )
  expected, found = (list(trainer.fit())[-1] for trainer in (single, half))
  assert found["train_loss"] == pytest.approx(expected["train_loss"], abs=0.05)
  assert found["valid_loss"] == pytest.approx(expected["valid_loss"], abs=0.05)
  assert found["train_loss"] != expected["train_loss"]
  assert half.network.cell.compute_dtype == precision
  weights = (half.strengths, half._progress.hidden, *half.network.variables)
  assert {tf.as_dtype(variable.dtype) for variable in weights} == {tf.float32}


def test_the_gradient_of_strengths_points_where_it_does_in_single_precision(no_graphs, monkeypatch):
  gradients = []
  for precision in ("none", "bfloat16", "float16"):
    trainer = make_trainer(FIRST, dataclasses.replace(TRAINING, mixed_precision=precision))
    monkeypatch.setattr(
      trainer._strengths, "apply", lambda gradient, _: gradients.append(gradient) or tf.constant(True)
    )
    trainer._step(tf.constant(0), tf.constant(8), tf.constant(5.0))
  single, *halves = (gradient / tf.norm(gradient) for gradient in gradients)
  for half in halves:
    assert half.dtype == tf.float32 and 0.98 < tf.reduce_sum(single * half) < 1.0 + 1e-6
  np.testing.assert_allclose(tf.norm(gradients[2]), tf.norm(gradients[0]), rtol=0.05)  # It is no longer scaled.


def test_a_step_that_overflows_changes_nothing_but_the_factor(no_graphs):
  trainer = make_trainer(FIRST, dataclasses.replace(TRAINING, mixed_precision="float16"))
  trainer._loss_scale.factor.assign(2.0**60)
  before = [np.array(weight) for weight in (trainer.strengths, *trainer.network.trainable_variables)]
  trainer._step(tf.constant(0), tf.constant(8), tf.constant(5.0))
  for now, then in zip((trainer.strengths, *trainer.network.trainable_variables), before):
    np.testing.assert_array_equal(now, then)
  assert float(trainer._loss_scale.factor) == 2.0**59 and "loss_scale" in trainer.state


def test_a_search_of_second_order_in_half_precision_is_refused():
  with pytest.raises(ValueError, match="order 2 .* mixed_precision=none, got 'bfloat16'"):
    make_trainer(PRESETS["darts"], dataclasses.replace(TRAINING, mixed_precision="bfloat16"))


def test_the_whole_validation_text_is_divided_into_streams():
  trainer = make_trainer(FIRST)
  tokens = trainer.task.tokens("valid")
  inputs, targets = trainer._held_out
  assert inputs.shape == (12, len(tokens) // 12)
  np.testing.assert_array_equal(tf.reshape(targets, [-1]), tokens[: tf.size(targets)])
  np.testing.assert_array_equal(inputs[:, 1:], targets[:, :-1])


@pytest.mark.parametrize(
  ("training", "config", "message"),
  [
    ({"batch_size": 50}, PRESETS["darts"], "which has only .* tokens; use a smaller batch_size"),
    ({"accumulate_steps": 2}, PRESETS["darts"], "relaxed language models are trained with accumulate_steps=1 only"),
    ({"optimizer": "Adam"}, PRESETS["darts"], "needs the optimizer SGD, got Adam"),
    ({}, dataclasses.replace(PRESETS["snas"], cost_weight=1.0), "cost_weight"),
  ],
)
def test_what_cannot_be_searched_is_refused(training, config, message):
  with pytest.raises(ValueError, match=message):
    make_trainer(config, dataclasses.replace(TRAINING, **training))


def test_other_spaces_are_refused():
  with pytest.raises(ValueError, match="needs recurrent cells"):
    make_trainer(PRESETS["darts"], space=make_space("darts"))
