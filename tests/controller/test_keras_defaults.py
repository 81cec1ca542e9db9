import contextlib

import numpy as np
import pytest
from tensorflow import keras

from nao_tf.controller.keras_defaults import float32_defaults
from nao_tf.strategies import make_strategy
from nao_tf.trial import Evaluation, Trial
from tests.conformance.test_resuming import OPTIONS
from tests.support.toys import ToySpace

pytestmark = pytest.mark.usefixtures("no_graphs_in_the_module")  # Controllers take a few small steps.


@contextlib.contextmanager
def global_state(policy, floatx):
  before = keras.mixed_precision.global_policy(), keras.backend.floatx()
  try:
    keras.backend.set_floatx(floatx)
    keras.mixed_precision.set_global_policy(policy)
    yield
  finally:
    keras.backend.set_floatx(before[1])
    keras.mixed_precision.set_global_policy(before[0])


STATES = [
  ("mixed_float16", "float32"),
  ("mixed_bfloat16", "float32"),
  ("float64", "float32"),
  ("float16", "float16"),
  ("float64", "float64"),
]


def proposals():
  """Returns what NAO asks for in two rounds, and the predicted scores."""
  strategy = make_strategy("nao", ToySpace(), seed=1, **OPTIONS["nao"])
  asked = []
  for _ in range(4):
    batch = strategy.ask(4)
    strategy.tell(Trial(len(asked) + i, a, evaluation=Evaluation(float(sum(a)))) for i, a in enumerate(batch))
    asked += batch
  return asked, strategy.controller.score(strategy.vocabulary.encode(asked))


@pytest.fixture(scope="module")
def expected():
  return proposals()


@pytest.mark.parametrize(("policy", "floatx"), STATES)
def test_nao_does_the_same_whatever_the_precision_of_the_users_networks(expected, policy, floatx):
  with global_state(policy, floatx):
    asked, scores = proposals()
  assert asked == expected[0]
  np.testing.assert_array_equal(scores, expected[1])


@pytest.mark.parametrize(("policy", "floatx"), STATES)
def test_the_users_settings_are_there_afterwards(policy, floatx):
  with global_state(policy, floatx):
    with contextlib.suppress(ValueError), float32_defaults():
      raise ValueError
    assert (keras.mixed_precision.global_policy().name, keras.backend.floatx()) == (policy, floatx)
