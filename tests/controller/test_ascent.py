"""Moving uphill: the paper's rule by hand, its direction, and candidates that are legal."""

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.controller.ascent import ascend, move
from tests.support import controller_cases as cases


def case(**changes):
  controller = cases.small_controller(**changes)
  return controller, controller.encode(cases.some_tokens(6))


def gradient_of(predict, memory):
  with tf.GradientTape() as tape:
    tape.watch(memory)
    scores = predict(memory)
  return tape.gradient(scores, memory)


@pytest.mark.parametrize("options", [{}, {"along": "logit"}, {"unit_gradient": True}, {"num_steps": 3}])
@pytest.mark.parametrize("ensemble_size", [None, 2])
def test_the_predicted_score_rises_uphill_and_falls_downhill(options, ensemble_size):
  controller, memory = case(ensemble_size=ensemble_size)
  step = 0.01 if options.get("unit_gradient") else 1.0
  scores = controller.score_logits(memory)
  up, down = controller.score_logits(move(controller, memory, [step, -step], **options))
  assert np.all(up > scores)
  assert np.all(down < scores)


def test_the_rule_by_hand():
  controller, memory = case()
  gradient = gradient_of(controller.predict_score, memory)
  for row, eta in zip(move(controller, memory, [1.0, 10.0]), (1.0, 10.0)):
    moved = memory + eta * gradient
    np.testing.assert_allclose(row, moved / np.linalg.norm(moved, axis=-1, keepdims=True), rtol=1e-4, atol=1e-6)


def test_the_logit_rule_by_hand():
  controller, memory = case()
  gradient = gradient_of(controller.score_logits, memory)
  moved = memory + 0.5 * gradient / np.linalg.norm(gradient, axis=-1, keepdims=True)
  expected = moved / np.linalg.norm(moved, axis=-1, keepdims=True)
  found = move(controller, memory, [0.5], along="logit", unit_gradient=True)[0]
  np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_several_steps_share_the_step_size():
  controller, memory = case()
  halfway = move(controller, memory, [5.0])[0]
  expected = move(controller, halfway, [5.0])[0]
  np.testing.assert_allclose(move(controller, memory, [10.0], num_steps=2)[0], expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("step_size", [0.0, 1.0, 1e6])
def test_moved_states_stay_unit_vectors_and_no_step_stays(step_size):
  controller, memory = case()
  moved = move(controller, memory, [step_size])
  np.testing.assert_allclose(np.linalg.norm(moved, axis=-1), 1, rtol=1e-5)
  if not step_size:
    np.testing.assert_allclose(moved[0], memory, rtol=1e-5)


@pytest.mark.parametrize("ensemble_size", [None, 2])
def test_candidates_are_legal_and_those_of_each_step_size(ensemble_size):
  controller = cases.small_controller(ensemble_size=ensemble_size)
  tokens, step_sizes = cases.some_tokens(6), [0.0, 10.0, 1000.0]
  candidates = ascend(controller, tokens, step_sizes)
  assert candidates.shape == ((3, 6, 4) if ensemble_size is None else (3, 2, 6, 4))
  cases.VOCABULARY.decode(np.reshape(candidates, (-1, 4)))
  for row, step_size in zip(candidates, step_sizes):
    np.testing.assert_array_equal(row, ascend(controller, tokens, [step_size])[0])


def test_candidates_can_be_drawn():
  controller, tokens = cases.small_controller(), cases.some_tokens(20)
  drawn = [ascend(controller, tokens, [1.0], temperature=1.0, seed=seed) for seed in (1, 1, 2)]
  np.testing.assert_array_equal(drawn[0], drawn[1])
  assert np.any(drawn[0] != drawn[2])
  np.testing.assert_array_equal(ascend(controller, tokens, [1.0], temperature=0.0), ascend(controller, tokens, [1.0]))


def test_any_number_of_step_sizes_and_architectures_uses_one_trace():
  controller = cases.small_controller()
  for count in (1, 2, 5):
    ascend(controller, cases.some_tokens(count), np.ones(count))
  assert [controller.graphs.num_traces(name) for name in ("encode", "move", "decode")] == [1, 1, 1]


def test_an_unknown_direction_and_no_steps_are_refused():
  controller, memory = case()
  with pytest.raises(
    ValueError, match="along must be one of score, logit, improvement, upper_bound, lower_bound, got 'loss'"
  ):
    move(controller, memory, [1.0], along="loss")
  with pytest.raises(ValueError, match="num_steps must be at least 1, got 0"):
    move(controller, memory, [1.0], num_steps=0)
