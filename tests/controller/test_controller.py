"""The controller: published sizes, independent members, Keras' own training, and exact restarts."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.benchmarks import rank_metrics as metrics
from nao_tf.controller.ascent import ascend, move
from nao_tf.controller.config import PRESETS
from nao_tf.controller.controller import Controller
from nao_tf.controller.vocabulary import Vocabulary
from nao_tf.spaces import make_space
from tests.support import controller_cases as cases

SIXTY_TOKENS = cases.ToySpace(20 * (("input", 6), ("operation", 7), ("size", 7)), decisions_per_step=3)
RECURRENT = cases.ToySpace(11 * (("predecessor", 11), ("activation", 4)), decisions_per_step=2)

every_form = pytest.mark.parametrize("attention", cases.FORMS)


@pytest.mark.parametrize(
  "preset, space, num_weights, num_steps",
  [
    ("nao_cnn", SIXTY_TOKENS, 208_535, 20),
    ("nao_ws_cnn", make_space("nasnet5"), 236_606, 20),
    ("nao_rnn", RECURRENT, 308_338, 22),
    ("torch", make_space("nasnet5"), 279_533, 20),
    ("torch_v2", make_space("nasnet5"), 80_845, 20),
  ],
)
def test_published_controllers_have_their_published_sizes(preset, space, num_weights, num_steps):
  controller = Controller(Vocabulary.of(space), PRESETS[preset])
  assert cases.num_weights(controller) == controller.count_params() == num_weights
  assert controller.encoder.num_steps == num_steps


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_learns(preset):
  config = dataclasses.replace(PRESETS[preset], unroll=False)
  controller = Controller(cases.VOCABULARY, config)
  tokens, targets = cases.some_tokens(8), cases.some_targets(8)
  losses = [float(controller.update(tokens, targets, tf.ones(8))["loss"]) for _ in range(12)]
  assert losses[-1] < losses[0]


def test_scores_are_probabilities_and_memory_has_its_shape(no_graphs):
  controller, tokens = cases.small_controller(), cases.some_tokens(6)
  memory = controller.encode(tokens)
  scores = controller.predict_score(memory)
  assert memory.shape == (6, 2, 5)
  assert controller.embed(memory).shape == (6, 5)
  assert np.all((scores > 0) & (scores < 1))
  np.testing.assert_allclose(scores, tf.sigmoid(controller.score_logits(memory)))
  np.testing.assert_array_equal(controller(tokens), scores)
  np.testing.assert_array_equal(controller.score(tokens), scores)


def test_tokens_of_another_length_are_refused():
  with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match=r"\(6, 5\)|\[6, ?5\]"):
    cases.small_controller().encode(np.ones((6, 5), np.int32))


@pytest.mark.parametrize("ensemble_size", [None, 2])
def test_axes_in_front_are_kept(ensemble_size, no_graphs):
  controller = cases.small_controller(ensemble_size=ensemble_size)
  tokens = np.stack([cases.some_tokens(6, seed=seed) for seed in range(3)])
  leading = (3, 6) if ensemble_size is None else (3, 2, 6)
  if ensemble_size:
    tokens = np.broadcast_to(tokens[:, np.newaxis], (3, 2, 6, 4))
  memory = controller.encode(tokens)
  assert memory.shape == (*leading, 2, 5)
  assert controller.predict_score(memory).shape == leading
  assert controller.decode(memory).shape == (*leading, 4)
  for row in range(3):
    np.testing.assert_allclose(controller.encode(tokens[row]), memory[row], rtol=1e-5)
    np.testing.assert_array_equal(controller.decode(memory[row]), controller.decode(memory)[row])
    np.testing.assert_allclose(controller.predict_score(memory[row]), controller.predict_score(memory)[row], rtol=1e-5)


def pair_and_singles(**changes):
  pair = cases.small_controller(ensemble_size=2, **changes)
  singles = [cases.small_controller(**changes) for _ in range(2)]
  for member, single in enumerate(singles):
    single.set_weights([weight[member] for weight in pair.get_weights()])
  return pair, singles


@pytest.mark.parametrize("attention, bidirectional", [("bahdanau", False), ("bilinear", True)])
def test_a_member_does_what_it_would_do_alone(attention, bidirectional, no_graphs):
  pair, singles = pair_and_singles(attention=attention, bidirectional=bidirectional, double_bias=True)
  tokens = cases.some_tokens(6)
  memory = pair.encode(tokens)
  beams, log_probabilities = pair.beam_search(memory, 3)
  for member, single in enumerate(singles):
    alone = single.encode(tokens)
    np.testing.assert_allclose(memory[member], alone, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(pair.predict_score(memory)[member], single.predict_score(alone), rtol=1e-5)
    np.testing.assert_array_equal(pair.decode(memory)[member], single.decode(alone))
    np.testing.assert_array_equal(beams[member], single.beam_search(alone, 3)[0])
    np.testing.assert_allclose(log_probabilities[member], single.beam_search(alone, 3)[1], rtol=1e-4)
    np.testing.assert_allclose(move(pair, memory, [1.0, 9.0])[:, member], move(single, alone, [1.0, 9.0]), rtol=1e-3)
    np.testing.assert_array_equal(ascend(pair, tokens, [1.0])[:, member], ascend(single, tokens, [1.0]))


@every_form
def test_a_member_learns_what_it_would_learn_alone(attention):
  changes = {"attention": attention, "clip_norm": 0.01, "l2": 1e-3, "weight_decay": 1e-3}
  pair, singles = pair_and_singles(**changes)
  tokens, targets, weights = cases.some_tokens(6), cases.some_targets(6), np.array([1, 1, 1, 1, 0, 0], np.float32)
  losses = pair.update(tf.broadcast_to(tokens, (2, 6, 4)), targets, weights)
  for member, single in enumerate(singles):
    alone = single.update(tokens, targets, weights)
    for name, value in alone.items():
      np.testing.assert_allclose(losses[name][member], value, rtol=1e-5)
    for ours, theirs in zip(pair.get_weights(), single.get_weights()):
      np.testing.assert_allclose(ours[member], theirs, rtol=1e-4, atol=2e-5)


def test_members_start_differently_and_the_first_like_a_single_controller():
  pair, single = cases.small_controller(ensemble_size=2, seed=4), cases.small_controller(seed=4)
  for ours, alone in zip(pair.get_weights(), single.get_weights()):
    np.testing.assert_array_equal(ours[0], alone)
  different = [np.any(weight[0] != weight[1]) for weight in pair.get_weights()]
  assert sum(different) >= len(different) - 5  # Biases start equal.
  with pytest.raises(ValueError, match="ensemble_size must be None or at least 1, got 0"):
    cases.small_controller(ensemble_size=0)


def test_equal_seeds_start_equally():
  one, same, other = (cases.small_controller(seed=seed).get_weights() for seed in (1, 1, 2))
  assert all(np.array_equal(a, b) for a, b in zip(one, same))
  assert not all(np.array_equal(a, b) for a, b in zip(one, other))


def test_the_joint_loss_is_the_weighted_sum():
  controller = cases.small_controller(score_weight=0.7)
  losses = controller.losses_of(cases.some_tokens(6), cases.some_targets(6), tf.ones(6))
  np.testing.assert_allclose(losses["loss"], 0.7 * losses["score_loss"] + 0.3 * losses["token_loss"], rtol=1e-6)


def test_keras_fit_and_evaluate():
  controller = cases.small_controller(learning_rate=0.02)
  tokens, targets = cases.some_tokens(30), cases.some_targets(30)
  before = controller.evaluate(tokens, targets, batch_size=30, verbose=0, return_dict=True)
  history = controller.fit(tokens, targets, batch_size=10, epochs=15, verbose=0).history
  after = controller.evaluate(tokens, targets, batch_size=30, verbose=0, return_dict=True)
  assert set(history) == {"loss", "score_loss", "token_loss"}
  assert set(after) == {"loss", "score_loss", "token_loss", "pairwise_accuracy", "kendall_tau", "hamming"}
  assert after["loss"] < before["loss"]
  assert history["loss"][-1] < history["loss"][0]


def test_evaluate_reports_the_figures_of_the_whole_set(no_graphs):
  controller, tokens, targets = cases.small_controller(), cases.some_tokens(30), cases.some_targets(30)
  found = controller.evaluate(tokens, targets, batch_size=30, verbose=0, return_dict=True)
  scores, written = controller.score(tokens), controller.decode(controller.encode(tokens)).numpy()
  assert found["pairwise_accuracy"] == pytest.approx(metrics.pairwise_accuracy(scores, targets), abs=1e-6)
  assert found["kendall_tau"] == pytest.approx(metrics.kendall_tau(scores, targets), abs=1e-6)
  assert found["hamming"] == pytest.approx(metrics.hamming_distance(tokens, written), abs=1e-5)


def test_architectures_without_a_score_teach_the_decoder_alone(no_graphs):
  controller, tokens = cases.small_controller(), cases.some_tokens(20)
  before = [weight.copy() for weight in controller.predictor.get_weights()]
  written = controller.decoder.get_weights()[0].copy()
  controller.fit(tokens, np.zeros(20), sample_weight=np.zeros(20), batch_size=20, verbose=0)
  assert all(np.array_equal(a, b) for a, b in zip(before, controller.predictor.get_weights()))
  assert not np.array_equal(written, controller.decoder.get_weights()[0])


def test_with_memory_noise_the_decoder_reads_moved_memories_in_training_only(no_graphs):
  plain, noisy = (cases.small_controller(memory_noise=noise) for noise in (0.0, 0.5))
  tokens, targets = cases.some_tokens(10), cases.some_targets(10)
  arguments = tokens, targets, np.ones(10, np.float32)
  seeds = [tf.constant([1, number], tf.int32) for number in (1, 2)]
  first, second = (noisy.losses_of(*arguments, seed) for seed in seeds)
  assert len({float(losses["token_loss"]) for losses in (first, second, plain.losses_of(*arguments, seeds[0]))}) == 3
  assert float(first["score_loss"]) == float(second["score_loss"])
  assert float(plain.losses_of(*arguments)["token_loss"]) == float(noisy.losses_of(*arguments)["token_loss"])


def test_members_train_with_keras_too(no_graphs):
  controller = cases.small_controller(ensemble_size=2)
  history = controller.fit(cases.some_tokens(20), cases.some_targets(20), batch_size=10, epochs=2, verbose=0).history
  assert np.isfinite(history["loss"][-1])


def test_weights_go_through_a_keras_file(tmp_path, no_graphs):
  saved, loaded = cases.small_controller(seed=1, bidirectional=True), cases.small_controller(seed=2, bidirectional=True)
  saved.save_weights(str(tmp_path / "controller.weights.h5"))
  loaded.load_weights(str(tmp_path / "controller.weights.h5"))
  tokens = cases.some_tokens(6)
  np.testing.assert_array_equal(saved.score(tokens), loaded.score(tokens))
