"""Gaussian processes over embeddings: what they believe, and moves along it."""

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from nao_tf.controller import embedding_process
from nao_tf.controller.ascent import move
from nao_tf.controller.embedding_process import EmbeddingBeliefs, beliefs_about, worth
from nao_tf.controller.gaussian_process import normal_scores
from tests.support import controller_cases as cases


@pytest.fixture(scope="module", params=[None, 2])
def case(request):
  """A controller, tokens with scores that depend on the embedding, and beliefs about them."""
  controller = cases.small_controller(ensemble_size=request.param)
  tokens = np.unique(cases.some_tokens(60), axis=0)
  scores = normal_scores(np.asarray(controller.score(tokens)).reshape(-1, len(tokens))[0])
  return controller, tokens, scores, beliefs_about(controller, tokens, scores)


def predicted(controller, tokens, beliefs):
  memory = controller.encode(tokens)
  upper, lower = (np.asarray(worth(memory, beliefs, f"{side}_bound")) for side in ("upper", "lower"))
  return (upper + lower) / 2, (upper - lower) / 2


def test_the_mean_is_near_known_scores_and_the_deviation_is_larger_elsewhere(case):
  controller, tokens, scores, beliefs = case
  mean, deviation = predicted(controller, tokens, beliefs)
  assert mean.shape == (*controller.prefix, len(tokens))
  for row in mean.reshape(-1, len(tokens)):
    assert scipy.stats.spearmanr(row, scores).statistic > 0.7
  far = -controller.encode(tokens)  # The other side of the sphere.
  there = np.asarray(worth(far, beliefs, "upper_bound")) - np.asarray(worth(far, beliefs, "lower_bound"))
  assert np.all(there.mean(-1) / 2 > deviation.mean(-1))


def test_the_process_is_the_one_of_the_textbook(case):
  controller, tokens, _, beliefs = case
  parts = [np.asarray(part, np.float64).reshape(-1, *part.shape[len(controller.prefix) :]) for part in beliefs]
  mean, deviation = (x.reshape(-1, len(tokens)) for x in predicted(controller, tokens, beliefs))
  for points, solution, inverse, (rate, variance, _), *found in zip(*parts, mean, deviation):
    shared = np.exp(-rate * np.square(points[:, None] - points[None]).sum(-1))
    np.testing.assert_allclose(found[0], shared @ solution, atol=2e-3)
    explained = np.einsum("ij,jk,ik->i", shared, inverse, shared)
    np.testing.assert_allclose(found[1], np.sqrt(variance * np.maximum(1 - explained, 1e-4)), atol=2e-2)


@pytest.mark.parametrize("along", embedding_process.WORTHS)
def test_a_small_move_raises_what_it_follows(case, along):
  controller, tokens, _, beliefs = case
  memory = controller.encode(tokens[:8])
  up, down = move(controller, memory, [0.01, -0.01], along=along, unit_gradient=True, beliefs=beliefs)
  before, after, below = (np.asarray(worth(m, beliefs, along)).mean(-1) for m in (memory, up, down))
  assert np.all(below < before) and np.all(before < after)
  np.testing.assert_allclose(np.linalg.norm(up, axis=-1), 1, rtol=1e-5)


def test_the_logarithm_of_the_improvement_is_right_and_has_a_slope_however_small_it_is():
  z = tf.constant([-30.0, -6.0, -4.5, -3.9, -1.0, 0.0, 2.0])
  with tf.GradientTape() as tape:
    tape.watch(z)
    found = embedding_process._log_improvement(z)
  exact = np.asarray(z, np.float64)
  near = exact[3:]
  expected = np.log(near * scipy.stats.norm.cdf(near) + scipy.stats.norm.pdf(near))
  np.testing.assert_allclose(found[3:], expected, atol=2e-2)
  assert np.all(np.asarray(tape.gradient(found, z)) > 0) and np.all(np.diff(found) > 0)


def test_only_the_best_are_learned_from_if_there_are_many(monkeypatch):
  monkeypatch.setattr(embedding_process, "MAX_TRIALS", 5)
  controller, tokens = cases.small_controller(), cases.some_tokens(9)
  beliefs = beliefs_about(controller, tokens, np.arange(9.0))
  np.testing.assert_allclose(beliefs.points, controller.embed(controller.encode(tokens[4:])), rtol=1e-5)


def test_equal_scores_and_equal_architectures_are_no_reason_to_fail():
  controller, tokens = cases.small_controller(), np.repeat(cases.some_tokens(1), 3, axis=0)
  beliefs = beliefs_about(controller, tokens, np.zeros(3))
  assert all(np.isfinite(part).all() for part in beliefs)
  moved = move(controller, controller.encode(tokens), [1.0], along="improvement", beliefs=beliefs)
  assert np.isfinite(moved).all()


def test_moves_need_beliefs_where_a_process_says_the_way_and_only_there(case):
  controller, tokens, _, beliefs = case
  memory = controller.encode(tokens)
  with pytest.raises(ValueError, match="along=improvement needs beliefs"):
    move(controller, memory, [1.0], along="improvement")
  with pytest.raises(ValueError, match="along=score has no use for beliefs"):
    move(controller, memory, [1.0], beliefs=beliefs)


def test_beliefs_of_any_number_of_trials_use_one_graph():
  controller = cases.small_controller()
  for count in (4, 7):
    tokens = cases.some_tokens(count)
    beliefs = beliefs_about(controller, tokens, normal_scores(np.arange(count)))
    assert isinstance(beliefs, EmbeddingBeliefs)
    move(controller, controller.encode(tokens), [1.0], along="lower_bound", beliefs=beliefs)
  assert controller.graphs.num_traces("move") == 1
