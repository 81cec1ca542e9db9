"""Exports trained language models as files of Keras, and compares them with the network.

Such a file names layers that Keras does not have: a searched cell, and an embedding that is the kernel of the softmax, too.
So it is loaded where this package is installed, with `nao_tf.load_model`.
"""

import dataclasses
import os

import numpy as np
import tensorflow as tf

from nao_tf.serving.export_target import ExportError
from nao_tf.serving.keras_models import load_model
from nao_tf.serving.model_files import TOLERANCE, check_file, whole_file
from nao_tf.serving.plain_language_models import language_model_of
from nao_tf.serving.trained_networks import TrainedNetwork

FORMAT = "keras"
"""The one format of files for language models, a key of `nao_tf.serving.model_files.FORMATS`."""

_SHAPE = (8, 16)


@dataclasses.dataclass(frozen=True)
class Compared:
  """What was measured on a file.

  Attributes:
    num_tokens: how many tokens it was compared on.
    difference: largest difference of a probability.
    num_bytes: size of the file.
  """

  num_tokens: int
  difference: float
  num_bytes: int

  def __str__(self) -> str:
    """Returns all of it in words."""
    return (
      f"probabilities after {self.num_tokens} words differ by at most {self.difference:.2g}, {self.num_bytes:,} bytes"
    )


def check_language_format(name: str, task: str) -> None:
  """Checks that there are files of a format for language models.

  Args:
    name: name of the format.
    task: name of the task, for the message.

  Raises:
    ValueError: if there are none.
  """
  if name != FORMAT:
    raise ValueError(f"format {name!r} is for image networks; {task} is a text, use 'saved_model' or {FORMAT!r}")


def export_language_file(trained: TrainedNetwork, path: str) -> Compared:
  """Writes a trained language model as a file, loads it again, and compares it with the network.

  Args:
    trained: the network.
    path: path of the file; an older one is replaced.

  Raises:
    ValueError: if it is not a language model, or the path has another suffix.
    ExportError: if the file answers differently.
    OSError: if the file cannot be written.
  """
  check_file(path, FORMAT)
  model = language_model_of(trained)
  tokens = np.random.default_rng(0).integers(0, trained.network.vocabulary_size, _SHAPE).astype(np.int32)
  expected = tf.nn.softmax(trained.network(tokens, training=False)[0]).numpy()
  with whole_file(path, FORMAT) as written:
    model.save(written)
    difference = float(np.abs(load_model(written)(tokens).numpy() - expected).max())
    if not difference <= TOLERANCE:
      raise ExportError(f"{path}: its probabilities differ from those of the network by {difference}")
  return Compared(tokens.size, difference, os.path.getsize(path))
