"""Keeps the output of commands quiet: warnings that a user can act on, but no startup messages of TensorFlow."""

import contextlib
import importlib
import logging
import os
import sys
import tempfile
from collections.abc import Iterator

from absl import flags
from absl import logging as absl_logging

_FROM_TENSORFLOW = ("tensorflow", "tensorflow_datasets")
_LEVEL, _FATAL = "TF_CPP_MIN_LOG_LEVEL", "3"
_WARNING = -1
"""Value of `--verbosity`."""


def set_verbosity(flag_values: flags.FlagValues) -> None:
  """Sets what is said, before TensorFlow is imported. `--verbosity=0` brings its messages back.

  The environment variable TF_CPP_MIN_LOG_LEVEL has its way if it is set.
  """
  flag = flag_values["verbosity"]
  if flag.present and int(flag.value or 0) > _WARNING:
    os.environ.setdefault(_LEVEL, "0")
    return
  absl_logging.set_verbosity(absl_logging.WARNING)
  os.environ.setdefault(_LEVEL, _FATAL)
  for name in _FROM_TENSORFLOW:
    logging.getLogger(name).setLevel(logging.WARNING)


def load_tensorflow() -> None:
  """Imports TensorFlow. What its libraries print meanwhile is shown only if that fails, or if messages are wanted.

  They print before they read the level of messages, so that level alone does not keep them quiet.
  """
  quiet = "tensorflow" not in sys.modules and os.environ.get(_LEVEL) == _FATAL
  with _held_back() if quiet else contextlib.nullcontext():
    importlib.import_module("tensorflow")


@contextlib.contextmanager
def _held_back() -> Iterator[None]:
  """Holds back what is written to the standard error stream, by any library. After an exception it is shown."""
  sys.stderr.flush()
  stream = os.dup(2)
  with tempfile.TemporaryFile() as file:
    os.dup2(file.fileno(), 2)
    try:
      yield
    except BaseException:
      file.seek(0)
      os.write(stream, file.read())
      raise
    finally:
      os.dup2(stream, 2)
      os.close(stream)
