import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.training.averaged_network import AveragedNetwork
from nao_tf.training.training_directory import TrainingDirectory, restore_network
from tests.support.image_cases import NETWORK, TRAINING, make_trainer, without_seconds


class Toy:
  """A network with one weight and one statistic."""

  def __init__(self):
    self.weight, self.statistic = tf.Variable([0.0]), tf.Variable([5.0])
    self.trainable_variables, self.non_trainable_variables = [self.weight], [self.statistic, tf.Variable(1)]


@pytest.mark.parametrize(
  ("least_share", "expected"), [(0.0, [1.0, 2.0, 4.0]), (0.5, [1.0, 2.0, 5.0]), (0.9, [1.0, 2.8, 7.48])]
)
def test_averages_by_hand(least_share, expected):
  toy = Toy()
  average, values = AveragedNetwork(toy), []
  for value in (1.0, 3.0, 8.0):
    toy.weight.assign([value])
    average.update(least_share)
    values.append(float(average.weights[0]))
  assert values == pytest.approx(expected, rel=1e-6)


def test_nothing_is_averaged_before_its_time():
  toy = Toy()
  average = AveragedNetwork(toy)
  toy.weight.assign([7.0])
  average.update(when=False)
  average.restore()
  assert not average.usable and float(average.weights[0]) == 0.0 and float(toy.weight[0]) == 7.0


def test_the_network_has_the_averages_as_long_as_they_are_in_use():
  toy = Toy()
  average = AveragedNetwork(toy)
  toy.weight.assign([4.0])
  average.include(1)
  average.include(1)
  toy.weight.assign([6.0])
  with pytest.raises(KeyError), average.in_use(lambda: toy.statistic.assign([9.0])):
    assert (float(toy.weight[0]), float(toy.statistic[0])) == (4.0, 9.0)
    raise KeyError
  assert (float(toy.weight[0]), float(toy.statistic[0])) == (6.0, 5.0)
  average.restore()
  assert (float(toy.weight[0]), float(toy.statistic[0])) == (4.0, 9.0)


@pytest.mark.parametrize("kind", [pytest.param("ema", marks=pytest.mark.slow), "swa"])
def test_what_is_evaluated_and_restored_are_the_averages(tmp_path, kind):
  network = dataclasses.replace(NETWORK, drop_path_keep=0.9)
  config = dataclasses.replace(TRAINING, epochs=3, average_weights=kind, average_decay=0.9, averaging_epoch=2)
  plain, trainer = (
    make_trainer(dataclasses.replace(config, average_weights="none"), network),
    make_trainer(config, network),
  )
  without = without_seconds(plain.fit())
  history = without_seconds(TrainingDirectory(str(tmp_path), trainer, checkpoint_steps=7).fit())
  assert [m["train_loss"] for m in history] == [m["train_loss"] for m in without]
  assert history[0] == without[0] and history[-1] != without[-1] and history[-1]["valid_accuracy"] > 0.3
  assert trainer.evaluate("valid")["loss"] == pytest.approx(history[-1]["valid_loss"], rel=1e-6)
  fresh = make_trainer(config, network, seed=9)
  assert restore_network(str(tmp_path), fresh.network) == 3
  for a, b in zip(trainer.network.weights, fresh.network.weights):
    np.testing.assert_array_equal(tf.convert_to_tensor(a), tf.convert_to_tensor(b))
  again = make_trainer(config, network)
  assert without_seconds(TrainingDirectory(str(tmp_path), again).fit()) == history
  assert again.evaluate("valid") == trainer.evaluate("valid")


def test_the_last_quarter_is_averaged_by_default():
  config = dataclasses.replace(TRAINING, epochs=100)
  firsts = {kind: dataclasses.replace(config, average_weights=kind).first_averaged_epoch for kind in ("ema", "swa")}
  assert firsts == {"ema": 1, "swa": 76}
