import pytest
import tensorflow as tf

from nao_tf.tasks.base import Configs
from nao_tf.tools.training_errors import explained
from nao_tf.training.base import Diverged
from tests.support import toy_text


def diverged_with(rate_factor):
  """Returns the error of a training that can go back to a checkpoint."""
  error = Diverged(2, 3, float("nan"))
  error.rate_factor = rate_factor
  return error


@pytest.mark.parametrize(
  ("error", "expected", "message"),
  [
    (tf.errors.ResourceExhaustedError(None, None, "OOM"), ValueError, "out of memory with batch_size=4"),
    (
      tf.errors.UnavailableError(None, None, "gone\nmore"),
      ConnectionError,
      r"was lost \(gone\); restart all processes",
    ),
    (
      Diverged(2, 3, float("nan")),
      ValueError,
      "the loss was nan in epoch 2, step 3; try a smaller --learning_rate in another directory",
    ),
    (
      diverged_with(rate_factor=1.0),
      ValueError,
      "step 3; run the same command with --nan_rate_factor=0.1 to return to the last checkpoint and multiply",
    ),
    (KeyError("a"), KeyError, "a"),
  ],
)
def test_what_ends_a_training_is_explained(error, expected, message):
  configs = Configs(toy_text.NETWORK, toy_text.TRAINING)
  with (
    pytest.raises(expected, match=message),
    explained(toy_text.toy_task(), toy_text.GENOTYPE, configs, tf.distribute.get_strategy()),
  ):
    raise error
