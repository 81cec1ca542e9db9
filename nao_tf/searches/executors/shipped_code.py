"""The code that is copied to the nodes of a Ray cluster: this package, and a directory of the user.

Both are part of Ray's runtime environment, so nodes need neither this version of the package nor a shared file system.
Required libraries, such as TensorFlow, must be installed on each node.
"""

import contextlib
import importlib.util
import os
import shutil
import tempfile
from collections.abc import Iterator
from typing import Any

_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc")
_PACKAGE = "nao_tf"
_COMMANDS = "tools"


@contextlib.contextmanager
def runtime_environment(working_dir: str | None) -> Iterator[dict[str, Any]]:
  """Creates a Ray runtime environment for the duration of a connection to a cluster.

  Args:
    working_dir: directory whose files each worker finds in its current directory and can import; None for none.

  Yields:
    The value of `runtime_env` for `ray.init`.
  """
  with tempfile.TemporaryDirectory(prefix="nao_tf_") as parent:
    package = copy_package(parent)
    own = {} if working_dir is None else {"working_dir": os.path.abspath(working_dir)}
    yield {"py_modules": [package], **own}


def check_working_dir(working_dir: str | None) -> None:
  """Raises a ValueError if the directory does not exist."""
  if working_dir is not None and not os.path.isdir(working_dir):
    raise ValueError(f"ray_working_dir: expected an existing directory, got {working_dir!r}")


def copy_package(parent: str) -> str:
  """Copies this package into a directory, including its commands, which are located elsewhere in a checkout.

  Args:
    parent: an existing directory.

  Returns:
    The path of the copy.
  """
  copy = os.path.join(parent, _PACKAGE)
  for place in _places(_PACKAGE):
    shutil.copytree(place, copy, ignore=_LEFT_OUT)
  commands = os.path.join(copy, _COMMANDS)
  if not os.path.isdir(commands):
    for place in _places(f"{_PACKAGE}.{_COMMANDS}"):
      shutil.copytree(place, commands, ignore=_LEFT_OUT)
  return copy


def _places(package: str) -> list[str]:
  """Returns the directory of a package; nothing if there is none."""
  found = importlib.util.find_spec(package)
  return list(found.submodule_search_locations or ())[:1] if found is not None else []
