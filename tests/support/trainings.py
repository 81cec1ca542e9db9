"""A tiny training of nao-train, for several tests."""

import functools
import pathlib
import shutil
import tempfile

from absl import flags

from nao_tf.tools import train
from tests.support.image_cases import GENOTYPE_FILE

FLAGS = (
  "--task=digits",
  "--num_cells=1",
  "--filters=4",
  "--auxiliary=false",
  "--drop_path_keep=1",
  "--dropout_keep=1",
  "--epochs=1",
  "--batch_size=64",
  "--train_examples=256",
  "--nodeterministic",
)


def train_tiny(directory):
  """Trains the tiny network of `image_cases` on digits for an epoch, once in a process; returns the directory."""
  return shutil.copytree(pathlib.Path(_parent_of_training().name) / "tiny", directory)


@functools.cache
def _parent_of_training():
  parent = tempfile.TemporaryDirectory()  # It is removed at the end of the process.
  values = flags.FlagValues()
  train.define_flags(values)
  values(["train", *FLAGS, f"--architecture={GENOTYPE_FILE}", f"--workdir={parent.name}/tiny"])
  assert train.main(values) == 0
  return parent
