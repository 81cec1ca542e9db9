"""Stores weights of trained networks in the directory of a search: a file per architecture.

Files are written atomically, so several processes may write, read and delete them.
"""

import contextlib
import hashlib
import os
import tempfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from nao_tf.training.disk import sync
from nao_tf.trial import Architecture

_SUFFIX = ".npz"
_UNREADABLE = (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile)


class WeightStore:
  """The files in one directory."""

  def __init__(self, directory: str):
    """Initializes with a directory.

    Args:
      directory: made when something is written.
    """
    self._directory = directory

  def save(self, architecture: Architecture, weights: Mapping[str, Sequence[np.ndarray]]) -> None:
    """Writes the weights of a network.

    Args:
      architecture: architecture of the network, in its canonical encoding.
      weights: weights of each layer, by its name.

    Raises:
      OSError: if they cannot be written.
    """
    os.makedirs(self._directory, exist_ok=True)
    arrays: dict[str, Any] = {
      f"{name}/{number}": array for name, rows in weights.items() for number, array in enumerate(rows)
    }
    descriptor, temporary = tempfile.mkstemp(suffix=".tmp", dir=self._directory)
    try:
      with open(descriptor, "wb") as file:
        np.savez(file, **arrays)
      sync(temporary)
      os.replace(temporary, self._path(architecture))
    except BaseException:
      with contextlib.suppress(FileNotFoundError):
        os.remove(temporary)
      raise

  def load(self, architecture: Architecture) -> dict[str, list[np.ndarray]] | None:
    """Returns the weights of a network; None if there are none, or the file is damaged."""
    try:
      with np.load(self._path(architecture), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    except _UNREADABLE:
      return None
    weights: dict[str, list[np.ndarray]] = {}
    for name, array in arrays.items():
      weights.setdefault(name.rpartition("/")[0], []).append(array)
    return weights

  def keep_only(self, architectures: Iterable[Architecture]) -> None:
    """Deletes the weights of all other networks.

    Args:
      architectures: canonical encodings of the networks to keep.
    """
    kept = {os.path.basename(self._path(architecture)) for architecture in architectures}
    for name in os.listdir(self._directory) if os.path.isdir(self._directory) else ():
      if name.endswith(_SUFFIX) and name not in kept:
        with contextlib.suppress(FileNotFoundError):  # Another process has removed it.
          os.remove(os.path.join(self._directory, name))

  def _path(self, architecture: Architecture) -> str:
    digest = hashlib.sha256(",".join(map(str, architecture)).encode()).hexdigest()[:24]
    return os.path.join(self._directory, digest + _SUFFIX)
