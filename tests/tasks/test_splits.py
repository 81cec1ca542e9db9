import numpy as np
import pytest

from nao_tf.tasks import splits


@pytest.mark.parametrize("how", splits.HOLD_OUTS)
def test_hold_out_divides_all_examples(how):
  labels = np.repeat(np.arange(4), 50)
  train, valid = splits.hold_out(labels, 0.2, how=how, seed=1)
  assert len(valid) == 40
  assert sorted(np.concatenate([train, valid])) == list(range(200))
  np.testing.assert_array_equal(valid, splits.hold_out(labels, 0.2, how=how, seed=1)[1])


def test_hold_out_last_takes_the_last_and_stratified_some_of_each_class():
  labels = np.repeat(np.arange(4), 50)
  np.testing.assert_array_equal(splits.hold_out(labels, 0.2, how="last", seed=1)[1], np.arange(160, 200))
  _, valid = splits.hold_out(labels, 0.2, how="stratified", seed=1)
  np.testing.assert_array_equal(np.bincount(labels[valid]), [10] * 4)
