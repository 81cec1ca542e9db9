"""What the nodes of a cluster of Ray get from the process of a search: this package, and a directory of the user.

Both travel by Ray's runtime environment, so nodes need neither this version of the package nor a shared file system for
it. The libraries that it needs, such as TensorFlow, are installed on each node.
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
  """Makes a runtime environment of Ray, for the time in which a program connects to a cluster.

  Args:
    working_dir: a directory whose files each worker finds in its own current directory and may import; None for none.

  Yields:
    What `ray.init` takes as `runtime_env`.
  """
  with tempfile.TemporaryDirectory(prefix="nao_tf_") as parent:
    package = copy_package(parent)
    own = {} if working_dir is None else {"working_dir": os.path.abspath(working_dir)}
    yield {"py_modules": [package], **own}


def check_working_dir(working_dir: str | None) -> None:
  """Raises ValueError if there is no such directory."""
  if working_dir is not None and not os.path.isdir(working_dir):
    raise ValueError(f"ray_working_dir: expected a directory, got {working_dir!r}, which is none")


def copy_package(parent: str) -> str:
  """Copies this package into a directory, with its commands, which stand elsewhere in a checkout.

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
