import pathlib
import re

import tensorflow as tf

import nao_tf
from nao_tf.training.distribution import sharded
from nao_tf.training.fixed_parallelism import with_fixed_parallelism


def squares():
  return tf.data.Dataset.range(5).map(lambda x: x * x, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def test_the_examples_are_the_same_and_nothing_is_tuned():
  dataset = with_fixed_parallelism(squares())
  assert list(dataset.as_numpy_iterator()) == [0, 1, 4, 9, 16]
  assert dataset.options().autotune.enabled is False


def test_other_options_stay():
  options = tf.data.Options()
  options.deterministic = False
  assert with_fixed_parallelism(squares().with_options(options)).options().deterministic is False


def test_what_replicas_read_is_not_tuned():
  dataset = sharded(squares().batch(2), tf.distribute.get_strategy())
  assert dataset.options().autotune.enabled is False


def test_every_module_that_reads_a_dataset_fixes_its_parallelism():
  modules = [path.read_text() for path in pathlib.Path(nao_tf.__file__).parent.rglob("*.py")]
  reading = [text for text in modules if re.search(r"as_numpy_iterator\(|experimental_distribute_dataset\(", text)]
  assert len(reading) > 5 and all("with_fixed_parallelism(" in text for text in reading)
