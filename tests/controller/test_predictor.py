"""The predictor: its arithmetic, its sizes, its dropout."""

import dataclasses

import numpy as np
import tensorflow as tf

from nao_tf.controller.initialization import Initializer
from nao_tf.controller.predictor import Predictor
from tests.support import controller_cases as cases


def make_predictor(ensemble_size=None, **changes):
  config = dataclasses.replace(cases.SMALL, **changes)
  return Predictor(config, Initializer(config, seed=0, ensemble_size=ensemble_size))


def test_without_hidden_layers_the_logit_is_linear():
  predictor, embedding = make_predictor(mlp_layers=0), np.eye(5, dtype=np.float32)
  kernel, bias = predictor.get_weights()
  np.testing.assert_allclose(predictor(embedding), kernel[:, 0] + bias, rtol=1e-6)


def test_hidden_layers_are_rectified():
  predictor, embedding = make_predictor(mlp_layers=2), np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32)
  *hidden, (kernel, bias) = zip(predictor.get_weights()[::2], predictor.get_weights()[1::2])
  expected = embedding
  for weight, shift in hidden:
    expected = np.maximum(expected @ weight + shift, 0)
  np.testing.assert_allclose(predictor(embedding), (expected @ kernel + bias)[:, 0], rtol=1e-5)


def test_number_of_layers():
  assert [len(make_predictor(mlp_layers=count).hidden) for count in (0, 1, 3)] == [0, 1, 3]


def test_dropout_acts_only_with_a_seed():
  predictor, embedding = make_predictor(mlp_dropout=0.5), np.ones((64, 5), np.float32)
  assert np.ptp(predictor(embedding)) == 0
  assert np.ptp(predictor(embedding, seed=tf.constant([1, 2]))) > 0


def test_members_have_scores_of_their_own():
  scores = make_predictor(ensemble_size=3)(np.ones((3, 2, 5), np.float32))
  assert scores.shape == (3, 2)
  assert len(np.unique(scores)) == 3
