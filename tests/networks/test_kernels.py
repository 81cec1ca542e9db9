"""Gradients in single precision are those in double precision, with the kernels of oneDNN, too.

TensorFlow takes these kernels on most new processors. It decides when it is imported, so a process of its own computes.
"""

import os
import subprocess
import sys

import numpy as np
import pytest

from nao_tf.networks.operations import OPERATIONS

PROGRAM = """
import sys
import numpy as np
import tensorflow as tf
from tensorflow import keras
from nao_tf.networks.conventions import CONVENTIONS
from nao_tf.networks.operations import OPERATIONS
from nao_tf.training.variables import tf_variable

def gradients(name, convention, channels, length, floatx):
  keras.mixed_precision.set_global_policy(floatx)
  rng = np.random.default_rng(0)
  layer = OPERATIONS[name](4, 2, CONVENTIONS[convention], 0)
  images = tf.constant(rng.normal(size=(8, length, length, channels)), floatx)
  layer.build(images.shape)
  for weight in layer.trainable_weights:
    weight.assign(rng.normal(size=weight.shape))
  weights = [tf_variable(weight) for weight in layer.trainable_weights]
  with tf.GradientTape() as tape:
    tape.watch(images)
    outputs = layer(images, training=True)
    loss = tf.reduce_sum(outputs * tf.constant(rng.normal(size=outputs.shape), outputs.dtype))
  parts = [part for part in tape.gradient(loss, [images, *weights]) if part is not None]
  assert all(part.dtype == floatx for part in parts)
  return [np.ravel(part) for part in parts]

found = {}
for convention in ("nao", "torch"):
  for name in sys.argv[2:]:
    for channels, length in ((2, 8), (6, 16)):
      key = f"{name} {convention} {channels} {length}"
      single, double = (gradients(name, convention, channels, length, floatx) for floatx in ("float32", "float64"))
      found[key] = max((np.abs(one - two).max() / (np.abs(two).max() + 1e-9) for one, two in zip(single, double)), default=0)
np.savez(sys.argv[1], **found)
"""


QUICK = ("identity", "conv1x1", "sep3x3", "max3x3")
OTHERS = tuple(name for name in OPERATIONS if name not in QUICK)


@pytest.mark.parametrize("names", [QUICK, pytest.param(OTHERS, marks=pytest.mark.slow)], ids=["quick", "others"])
def test_gradients_with_onednn_are_right(tmp_path, names):
  """A 1x1 convolution with strides, as one operation of TensorFlow, has errors of the size of the gradient itself."""
  environment = {**os.environ, "TF_ENABLE_ONEDNN_OPTS": "1"}
  subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path / "errors.npz"), *names], check=True, env=environment)
  errors = np.load(tmp_path / "errors.npz")
  for name in names:
    mine = {key: errors[key] for key in errors.files if key.split()[0] == name}
    assert len(mine) == 4 and max(mine.values()) < 1e-3, mine
