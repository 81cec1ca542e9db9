"""Attention: the two formulas by hand."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.controller.attention import LuongAttention, NormedBahdanauAttention
from nao_tf.controller.initialization import Initializer
from tests.support import controller_cases as cases

SIZE, STEPS = 5, 3


def initializer(ensemble_size=None):
  return Initializer(dataclasses.replace(cases.SMALL, encoder_size=SIZE), seed=0, ensemble_size=ensemble_size)


def normal(*shape, seed=0):
  return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def softmax(scores):
  return np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)


def value(weight):
  return np.asarray(tf.convert_to_tensor(weight))


def test_additive_scores_by_hand():
  attention, memory, query = (
    NormedBahdanauAttention(initializer(), SIZE),
    normal(2, STEPS, SIZE),
    normal(2, SIZE, seed=1),
  )
  attention.bias.assign(normal(SIZE, seed=2))
  keys = memory @ value(attention.memory_kernel) + value(attention.bias)
  direction = value(attention.direction) / np.linalg.norm(value(attention.direction))
  scores = np.tanh(keys + (query @ value(attention.query_kernel))[:, np.newaxis]) @ direction * SIZE**-0.5
  np.testing.assert_allclose(attention.alignments(query, attention.keys(memory)), softmax(scores), rtol=1e-5)


@pytest.mark.parametrize("bilinear", [False, True])
def test_multiplicative_scores_by_hand(bilinear):
  attention = LuongAttention(initializer(), SIZE, bilinear=bilinear)
  memory, queries = normal(2, STEPS, SIZE), normal(2, 4, SIZE, seed=1)
  kernel = value(attention.query_kernel) if bilinear else np.eye(SIZE)
  scores = queries @ kernel @ np.swapaxes(memory, 1, 2)
  np.testing.assert_allclose(attention.alignments(queries, attention.keys(memory)), softmax(scores), rtol=1e-4)


def test_alignments_of_an_ensemble_sum_to_one_and_differ():
  attention = LuongAttention(initializer(ensemble_size=2), SIZE, bilinear=True)
  memory, queries = np.stack([normal(2, STEPS, SIZE)] * 2), np.stack([normal(2, 4, SIZE, seed=1)] * 2)
  alignments = attention.alignments(queries, attention.keys(memory)).numpy()
  assert alignments.shape == (2, 2, 4, STEPS)
  np.testing.assert_allclose(alignments.sum(axis=-1), 1, rtol=1e-5)
  assert not np.allclose(alignments[0], alignments[1])
