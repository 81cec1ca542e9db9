"""What each replica keeps for itself, in a process of its own: logical devices cannot be made later."""

import tensorflow as tf

from nao_tf.training.first_replica import sharing_of
from tests.training.test_distribution import printed

PROGRAM = """
import json
import tensorflow as tf
from nao_tf.training.distribution import make_distribution
distribution = make_distribution(2)
from nao_tf.networks.conventions import CONVENTIONS
from nao_tf.networks.layers import Norm
from nao_tf.training.first_replica import sharing_of
from nao_tf.training.variables import tf_variable
with distribution.scope():
  norm = Norm(CONVENTIONS["darts"])
  norm.build((None, 4, 4, 1))


def move():
  replica = tf.cast(tf.distribute.get_replica_context().replica_id_in_sync_group, tf.float32)
  norm(tf.fill([2, 4, 4, 1], 1.0 + replica), training=True)


def means():
  return [float(value[0]) for value in distribution.experimental_local_results(tf_variable(norm.moving_mean))]


tf.function(lambda: distribution.run(move), autograph=False)()
before = means()
sharing_of(norm.non_trainable_variables, distribution)()
print(json.dumps([before, means()]))
"""


def test_all_replicas_take_the_averages_of_the_first_one():
  before, after = printed(PROGRAM)
  assert before[0] != before[1] and after == [before[0]] * 2


def test_with_one_replica_nothing_changes():
  variable = tf.Variable([1.0, float("nan")])
  sharing_of([variable], tf.distribute.get_strategy())()
  assert variable.numpy()[0] == 1.0
