import math

import pytest
import tensorflow as tf

from nao_tf.training.base import Diverged, checked_loss


def test_a_loss_becomes_a_number_and_none_becomes_zero():
  assert checked_loss(tf.constant(2.5), 1, 1) == 2.5
  assert checked_loss(None, 1, 0) == 0.0


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_nan_or_infinite_is_divergence(loss):
  with pytest.raises(Diverged, match=rf"diverged: the loss was {loss} in epoch 2, step 7") as error:
    checked_loss(tf.constant(loss), 2, 7)
  assert (error.value.epoch, error.value.step) == (2, 7)
  assert not math.isfinite(error.value.loss)
