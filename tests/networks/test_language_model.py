import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.networks.language_model import LanguageModelConfig, count_parameters, language_model, num_parameters
from nao_tf.spaces.genotypes import LstmGenotype
from nao_tf.spaces.published import RECURRENT_CELLS

GENOTYPE = RECURRENT_CELLS["NAO-RNN"].genotype
WORDS, UNITS, BATCH, LENGTH = 13, 6, 3, 8
CONFIG = LanguageModelConfig(units=UNITS, initial_range=0.5).without_dropout()


def make(config=CONFIG, seed=0, genotype=GENOTYPE):
  return language_model(genotype, config, vocabulary_size=WORDS, seed=seed)


def tokens(seed=0, length=LENGTH):
  return tf.constant(np.random.default_rng(seed).integers(0, WORDS, (BATCH, length)), tf.int32)


NAO, DARTS = ("NAO-RNN", "NAO-RNN-WS"), ("DARTS-RNN-V1", "DARTS-RNN-V2", "ENAS-RNN")
PENN, WIKITEXT = (850, 10_000), (700, 33_278)
SIZES = [*[(name, *PENN, 27_295_000) for name in NAO], *[(name, *WIKITEXT, 36_067_878) for name in NAO]]
SIZES += [*[(name, *PENN, 22_960_000) for name in DARTS], *[(name, *WIKITEXT, 33_127_878) for name in DARTS]]


@pytest.mark.parametrize("name, units, words, expected", SIZES)
def test_parameters_are_as_many_as_published(name, units, words, expected):
  config = LanguageModelConfig(units=units)
  assert count_parameters(RECURRENT_CELLS[name].genotype, config, vocabulary_size=words) == expected


def test_parameters_of_an_lstm_are_as_many_as_its_equations_have():
  words, units = 10_000, 253
  config = LanguageModelConfig(units=units)
  expected = words * units + words + 4 * units * (2 * units + 1)
  assert count_parameters(LstmGenotype(), config, vocabulary_size=words) == expected == 3_053_084
  assert num_parameters(make()) == WORDS * UNITS + WORDS + 2 * UNITS * UNITS * (1 + 12)


def test_logits_are_the_outputs_times_the_embedding_plus_bias():
  model = make()
  model.bias.assign(np.linspace(-1, 1, WORDS))
  logits, _ = model(tokens())
  outputs = model.features(tokens()).outputs
  expected = tf.einsum("tbh,vh->btv", outputs, tf.convert_to_tensor(model.table)) + tf.convert_to_tensor(model.bias)
  assert logits.shape == (BATCH, LENGTH, WORDS)
  np.testing.assert_allclose(logits, expected, atol=1e-6)


@pytest.mark.parametrize("genotype", [GENOTYPE, LstmGenotype()], ids=["searched", "lstm"])
@pytest.mark.parametrize("training", [False, True])
def test_segments_stitched_together_give_the_loss_of_one_long_pass(genotype, training):
  model = make(genotype=genotype)
  inputs, targets = tokens(1), tokens(2)
  whole = model.token_losses(model.features(inputs, training=training), targets)
  state, parts = model.initial_state(BATCH), []
  for start, end in ((0, 3), (3, 4), (4, LENGTH)):
    features = model.features(inputs[:, start:end], state, training=training)
    parts.append(model.token_losses(features, targets[:, start:end]))
    state = features.state
  np.testing.assert_allclose(tf.concat(parts, 1), whole, atol=1e-5)


def test_losses_are_the_negative_log_softmax_of_the_logits():
  model = make()
  logits, _ = model(tokens(1))
  losses = model.token_losses(model.features(tokens(1)), tokens(2))
  expected = -np.take_along_axis(tf.nn.log_softmax(logits).numpy(), tokens(2).numpy()[..., None], 2)[..., 0]
  np.testing.assert_allclose(losses, expected, atol=1e-5)


RATES = [field.name for field in dataclasses.fields(LanguageModelConfig) if field.name.endswith("dropout")]


@pytest.mark.parametrize("rate", RATES)
def test_dropout_is_a_function_of_seed_and_step_and_acts_in_training_alone(rate):
  config = dataclasses.replace(CONFIG, **{rate: 0.5})

  def losses(step, training=True, seed=0):
    model = make(config, seed)
    return model.token_losses(model.features(tokens(1), training=training, step=step), tokens(2)).numpy()

  np.testing.assert_array_equal(losses(3), losses(3))
  assert np.any(losses(3) != losses(4))
  np.testing.assert_allclose(losses(3, training=False), losses(None), atol=1e-6)
  assert np.any(losses(3) != losses(3, training=False))


def test_output_dropout_is_the_same_at_all_steps_of_a_segment():
  model = make(dataclasses.replace(CONFIG, output_dropout=0.5))
  features = model.features(tokens(), training=True, step=1)
  kept = features.dropped.numpy() / features.outputs.numpy()
  np.testing.assert_allclose(kept, np.broadcast_to(kept[:1], kept.shape), rtol=1e-5)
  assert set(np.unique(np.round(kept))) == {0.0, 2.0}
  assert len({tuple(row) for row in np.round(kept[0])}) > 1  # but not for all streams


def test_embedding_dropout_drops_a_word_wherever_it_stands():
  model = make(dataclasses.replace(CONFIG, embedding_dropout=0.5))
  masks = model._masks(BATCH, 1)
  assert masks.words.shape == (WORDS, 1)
  assert set(np.unique(masks.words)) == {0.0, 2.0}


def test_the_state_is_one_of_zeros_if_none_is_given():
  model = make()
  given, _ = model(tokens(), state=model.initial_state(BATCH))
  np.testing.assert_allclose(model(tokens())[0], given, atol=1e-6)


@pytest.mark.parametrize(
  "option, message",
  [
    ({"units": 0}, "units must be at least 1, got 0"),
    ({"output_dropout": 1.0}, r"output_dropout must be in \[0, 1\), got 1.0"),
    ({"initial_range": 0.0}, "initial_range must be above 0"),
  ],
)
def test_options_out_of_range_are_refused(option, message):
  with pytest.raises(ValueError, match=message):
    LanguageModelConfig(**option)


def test_an_empty_vocabulary_is_refused():
  with pytest.raises(ValueError, match="vocabulary_size must be at least 1"):
    language_model(GENOTYPE, CONFIG, vocabulary_size=0)
