"""Fitting in the graph: exact repeats, one trace, fair minibatches, and divergence that is noticed."""

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.controller.fitting import TrainingDiverged, draw, fit_controller, num_traces, optimizer_variables
from nao_tf.controller.state import controller_state, restore_controller_state
from tests.support import controller_cases as cases


def fit(controller, count=20, **options):
  options = {"num_steps": 6, **options}
  return fit_controller(controller, cases.some_tokens(count), cases.some_targets(count), **options)


def repeats(controller, *runs):
  """Starts a controller from the same state for each set of options; returns (history, state afterwards) of each."""
  start = controller_state(controller)
  for options in runs:
    restore_controller_state(controller, start)
    yield fit(controller, **options), controller_state(controller)


def equal(state, other):
  return all(np.array_equal(array, other[name]) for name, array in state.items())


@pytest.mark.parametrize("ensemble_size", [None, 2])
def test_equal_seeds_give_equal_weights_bit_for_bit(ensemble_size):
  controller = cases.small_controller(ensemble_size=ensemble_size, mlp_dropout=0.2, encoder_dropout=0.2)
  (_, one), (_, same), (_, other) = repeats(controller, {"seed": 5}, {"seed": 5}, {"seed": 6})
  assert equal(one, same)
  assert not equal(one, other)


def test_equal_controllers_learn_equally(no_graphs):
  one, same = cases.small_controller(), cases.small_controller()
  fit(one), fit(same)
  assert equal(controller_state(one), controller_state(same))


def test_looking_at_the_loss_in_between_changes_nothing(no_graphs):
  seen = []
  chunks = {"chunk_size": 3, "progress": lambda step, loss: seen.append((step, loss))}
  (whole, at_once), (parts, in_chunks) = repeats(cases.small_controller(), {"num_steps": 7}, {"num_steps": 7, **chunks})
  assert equal(at_once, in_chunks)
  np.testing.assert_array_equal(whole.loss, parts.loss)
  assert [step for step, _ in seen] == [3, 6, 7]
  assert seen[0][1] == pytest.approx(whole.loss[:3].mean())


def test_pools_of_any_size_and_fits_of_any_length_use_one_trace():
  controller = cases.small_controller(unlabeled_batch_size=4, decoder_every=2)
  for count, num_steps in ((3, 1), (20, 4), (33, 2)):
    fit(controller, count, num_steps=num_steps, unlabeled=cases.some_tokens(count + 1))
  assert num_traces(controller) == 1


def test_the_loss_falls():
  history = fit(cases.small_controller(learning_rate=0.02), num_steps=80)
  assert history.loss.shape == (80,)
  for losses in (history.loss, history.score_loss, history.token_loss):
    assert losses[-10:].mean() < 0.8 * losses[:10].mean()


def test_members_have_histories_of_their_own(no_graphs):
  history = fit(cases.small_controller(ensemble_size=3), num_steps=2)
  assert history.loss.shape == (2, 3)
  assert len(np.unique(history.loss[0])) == 3


def test_the_decoder_is_left_alone_between_its_steps(no_graphs):
  controller = cases.small_controller(decoder_every=3)
  (first, once), (last, thrice) = repeats(controller, {"num_steps": 1}, {"num_steps": 3})
  np.testing.assert_array_equal(np.isnan(last.token_loss), [False, True, True])
  np.testing.assert_array_equal(first.loss, last.loss[:1])
  same = {weight for weight in once if weight.startswith("weights") and np.array_equal(once[weight], thrice[weight])}
  assert len(same) == len(controller.decoder.trainable_variables)


def test_architectures_without_a_score_do_not_count_in_the_score_loss(no_graphs):
  runs = {"num_steps": 1}, {"num_steps": 1, "unlabeled": cases.some_tokens(30, seed=9)}
  (plain, without), (more, with_more) = repeats(cases.small_controller(unlabeled_batch_size=9), *runs)
  np.testing.assert_allclose(plain.score_loss, more.score_loss, rtol=1e-5)
  assert plain.token_loss[0] != more.token_loss[0]
  assert not equal(without, with_more)


def test_an_empty_pool_without_scores_is_none(no_graphs):
  runs = {}, {"unlabeled": np.zeros((0, 4), np.int32)}
  (_, without), (_, with_none) = repeats(cases.small_controller(unlabeled_batch_size=9), *runs)
  assert equal(without, with_none)


def test_each_pass_takes_every_architecture_once():
  pool = tf.constant(cases.some_tokens(12)[np.newaxis])
  passes = [
    np.concatenate([draw(pool, tf.constant(s), 4, (1, 2))[1] for s in steps]) for steps in (range(3), range(3, 6))
  ]
  assert sorted(passes[0]) == sorted(passes[1]) == list(range(12))
  assert passes[0].tolist() != passes[1].tolist()


def test_a_pool_smaller_than_a_batch_fills_it_evenly():
  tokens, places = draw(tf.constant(cases.some_tokens(3)[np.newaxis]), tf.constant(5), 8, (1, 2))
  assert sorted(np.bincount(places)) == [2, 3, 3]
  np.testing.assert_array_equal(tokens, cases.some_tokens(3)[places])


def test_members_draw_their_own_minibatches():
  pool = tf.constant(cases.some_tokens(50)[np.newaxis])
  tokens, places = draw(pool, tf.constant(0), 8, (1, 2), (2,))
  assert tokens.shape == (2, 8, 4)
  assert set(places[0].numpy()) != set(places[1].numpy())


def test_every_encoding_is_drawn_and_stays_with_its_architecture():
  pool = np.arange(3)[:, None, None] + 10 * np.arange(5)[None, :, None] + np.zeros((3, 5, 4), int)
  drawn = [draw(tf.constant(pool, tf.int32), tf.constant(step), 5, (1, 2)) for step in range(20)]
  tokens, places = (np.concatenate(parts) for parts in zip(*drawn))
  np.testing.assert_array_equal(tokens[:, 0] // 10, places)
  assert np.all(np.bincount(tokens[:, 0] % 10) > 20)  # 33 each on average, 4.7 sigma.


def test_several_encodings_train(no_graphs):
  tokens, targets = np.stack([cases.some_tokens(20), cases.some_tokens(20)[:, [2, 3, 0, 1]]]), cases.some_targets(20)
  assert np.isfinite(fit_controller(cases.small_controller(), tokens, targets, num_steps=2).loss).all()


def test_each_fit_starts_with_fresh_moments_unless_told_otherwise(no_graphs):
  for reset, steps in ((True, 3), (False, 6)):
    controller = cases.small_controller(reset_optimizer=reset)
    fit(controller, num_steps=3), fit(controller, num_steps=3)
    assert int(controller.optimizer.iterations.numpy()) == steps
    assert len(optimizer_variables(controller)) >= 2 * len(controller.trainable_variables)


def test_a_cosine_ends_at_its_share_of_the_rate(no_graphs):
  controller = cases.small_controller(learning_rate=0.01, final_learning_rate=0.1)
  fit(controller, num_steps=4)
  expected = 0.01 * (0.1 + 0.9 * (0.5 + 0.5 * np.cos(np.pi * 3 / 4)))
  assert float(controller.optimizer.learning_rate.numpy()) == pytest.approx(expected, rel=1e-5)


def test_divergence_is_an_error_that_names_the_step(no_graphs):
  controller = cases.small_controller()
  controller.set_weights([np.full_like(weight, np.nan) for weight in controller.get_weights()])
  with pytest.raises(TrainingDiverged, match="the loss of step 0 is nan"):
    fit(controller)


@pytest.mark.parametrize(
  "tokens, targets, message",
  [
    (np.ones((4, 3)), np.ones(4), r"expected tokens \[N, 4\] or \[K, N, 4\], got shape \(4, 3\)"),
    (np.ones((4, 4)), np.ones(3), "expected one target for each of 1 or more architectures"),
    (np.ones((0, 4)), np.ones(0), "expected one target for each of 1 or more architectures"),
  ],
)
def test_arrays_that_do_not_fit_are_refused(tokens, targets, message):
  with pytest.raises(ValueError, match=message):
    fit_controller(cases.small_controller(), tokens, targets, num_steps=1)
