"""Small spaces and controllers that the tests of `nao_tf.controller` share."""

import dataclasses

import numpy as np

from nao_tf.controller.config import ControllerConfig
from nao_tf.controller.controller import Controller
from nao_tf.controller.vocabulary import Vocabulary
from nao_tf.spaces.base import Decision, SearchSpace


class ToySpace(SearchSpace):
  """Rows of choices without a meaning; the two halves of an architecture may be swapped."""

  name = "toy"

  def __init__(self, decisions, decisions_per_step=1):
    self.decisions = tuple(Decision(kind, size) for kind, size in decisions)
    self.decisions_per_step = decisions_per_step

  def canonical(self, architecture):
    return min(architecture, self._swapped(architecture))

  def random_equivalent(self, architecture, rng):
    return self._swapped(architecture)

  def decode(self, architecture):
    return tuple(architecture)

  def _swapped(self, architecture):
    half = len(architecture) // 2
    return (*architecture[half:], *architecture[:half])


SPACE = ToySpace(2 * (("input", 2), ("operation", 3)), decisions_per_step=2)
VOCABULARY = Vocabulary.of(SPACE)
FORMS = ("bahdanau", "bilinear", "dot")
QUICK = ControllerConfig(
  encoder_size=8,
  token_size=4,
  decoder_token_size=4,
  mlp_size=8,
  num_steps=20,
  later_steps=10,
  min_passes=1,
  num_encodings=2,
  decoder_every=1,
  unroll=False,
)
"""Of searches that ask what holds however well a controller is trained. With one kind of step it has half the graph."""
FEW_STEPS = dataclasses.replace(QUICK, num_steps=2, later_steps=1, min_passes=0)
"""Learns next to nothing; without graphs, its rounds take a fraction of a second."""
FEW_CANDIDATES = {
  "ensemble_size": 1,
  "num_seeds": 4,
  "step_sizes": (1.0,),
  "temperatures": (1.0,),
  "oversampling": 2.0,
  "num_unlabeled": 8,
}
"""Options of NAO whose rounds look at few candidates."""
SMALL = ControllerConfig(
  token_size=3, encoder_size=5, decoder_token_size=4, mlp_size=6, batch_size=8, unlabeled_batch_size=0, decoder_every=1
)


def small_controller(*, ensemble_size=None, seed=0, vocabulary=VOCABULARY, **changes):
  return Controller(vocabulary, dataclasses.replace(SMALL, **changes), ensemble_size=ensemble_size, seed=seed)


def some_tokens(count, seed=0, space=SPACE):
  rng = np.random.default_rng(seed)
  return Vocabulary.of(space).encode([space.sample(rng) for _ in range(count)])


def some_targets(count, seed=1):
  return np.random.default_rng(seed).random(count).astype(np.float32)


def some_memory(controller, count, seed=2):
  shape = (*controller.prefix, count, controller.encoder.num_steps, controller.encoder.size)
  memory = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
  return memory / np.linalg.norm(memory, axis=-1, keepdims=True)


def num_weights(controller):
  return sum(int(np.prod(variable.shape)) for variable in controller.trainable_variables)
