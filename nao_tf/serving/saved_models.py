"""SavedModels on disk: written to a temporary place, checked, and only then moved to their own."""

import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Mapping
from typing import Any

import tensorflow as tf

_MODEL_FILE = "saved_model.pb"


class ExportError(ValueError):
  """Raised when a SavedModel cannot be written or read, or its answers differ from those of the network."""


def write_saved_model(
  directory: str,
  make: Callable[[Mapping[str, str]], tuple[tf.Module, Mapping[str, Any]]],
  *,
  texts: Mapping[str, str],
  check: Callable[[tf.Module, Any], None],
) -> None:
  """Writes a SavedModel, loads it again, checks it, and replaces an earlier one by it.

  The directory appears at once and complete. If an error is raised, nothing is left behind.

  Args:
    directory: path of the directory to write. It is touched only after everything has been written and checked.
    make: returns the module and its signatures, given the paths of the asset files by name.
    texts: the contents of the asset files by name.
    check: compares the module and the loaded SavedModel, and raises if they differ.

  Raises:
    ExportError: if something else than an export is in the directory, or `check` raises it.
    OSError: if the directory cannot be written.
  """
  directory = os.path.abspath(directory)
  _check_replaceable(directory)
  os.makedirs(os.path.dirname(directory), exist_ok=True)
  with tempfile.TemporaryDirectory(prefix=".export-", dir=os.path.dirname(directory)) as temporary:
    written = os.path.join(temporary, "model")
    module, signatures = make(_write_texts(temporary, texts))
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)  # What is served is not trained.
    tf.saved_model.save(module, written, signatures=dict(signatures), options=options)
    check(module, load_saved_model(written, signatures))
    if os.path.isdir(directory):
      shutil.move(directory, os.path.join(temporary, "old"))
    os.replace(written, directory)


def load_saved_model(directory: str, signatures: Collection[str]) -> Any:
  """Loads a SavedModel. Keep the returned object as long as one of its signatures is used.

  Args:
    directory: directory of the SavedModel.
    signatures: names of the signatures that it must have.

  Raises:
    ExportError: if there is no SavedModel, it cannot be loaded, or it lacks a signature.
  """
  if not os.path.isfile(os.path.join(directory, _MODEL_FILE)):
    raise ExportError(f"{directory}: expected a SavedModel, but there is no {_MODEL_FILE}; {_content(directory)}")
  try:
    loaded = tf.saved_model.load(directory)
  except (OSError, ValueError, RuntimeError, tf.errors.OpError) as error:
    raise ExportError(f"{directory}: its SavedModel cannot be loaded ({error})") from error
  missing = set(signatures) - set(loaded.signatures)
  if missing:
    raise ExportError(f"{directory}: has no signature {', '.join(sorted(missing))}; was it exported as such a network?")
  return loaded


def read_asset(directory: str, name: str) -> str:
  """Returns the content of a text file among the assets of a SavedModel.

  Raises:
    ExportError: if there is no such file.
  """
  path = os.path.join(directory, "assets", name)
  if not os.path.isfile(path):
    raise ExportError(f"{directory}: has no {name} among its assets; was it exported as such a network?")
  with open(path, encoding="utf-8") as file:
    return file.read()


def _write_texts(directory: str, texts: Mapping[str, str]) -> dict[str, str]:
  """Writes text files; returns their paths by name."""
  paths = {name: os.path.join(directory, name) for name in texts}
  for name, text in texts.items():
    with open(paths[name], "w", encoding="utf-8", newline="\n") as file:
      file.write(text)
  return paths


def _check_replaceable(directory: str) -> None:
  """Raises ExportError if there is something else than an export."""
  if not os.path.isdir(directory):
    if os.path.exists(directory):
      raise ExportError(f"{directory}: is a file; expected a directory to export to")
    return
  if os.listdir(directory) and not os.path.isfile(os.path.join(directory, _MODEL_FILE)):
    raise ExportError(f"{directory}: will not be replaced, since it is no SavedModel; {_content(directory)}")


def _content(directory: str) -> str:
  """Returns what a directory holds, for an error message."""
  if not os.path.isdir(directory):
    return "it is no directory"
  return f"it holds {', '.join(sorted(os.listdir(directory))[:5]) or 'nothing'}"
