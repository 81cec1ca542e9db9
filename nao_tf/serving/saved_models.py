"""SavedModels on disk: written beside their place, compared, and only then put there."""

import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Mapping
from typing import Any

import tensorflow as tf

_MODEL_FILE = "saved_model.pb"


class ExportError(ValueError):
  """A SavedModel cannot be written or read, or does not answer as the network does."""


def write_saved_model(
  directory: str,
  make: Callable[[Mapping[str, str]], tuple[tf.Module, Mapping[str, Any]]],
  *,
  texts: Mapping[str, str],
  check: Callable[[tf.Module, Any], None],
) -> None:
  """Writes a SavedModel, reads it again, checks it, and puts it in the place of an earlier one.

  The directory appears at once and complete. If something goes wrong, nothing is left behind.

  Args:
    directory: where to. It is touched only when everything has been written and checked.
    make: given the paths of the asset files by name, returns the module and its signatures.
    texts: the asset files' contents by name.
    check: given the module and what was loaded; raises if they differ.

  Raises:
    ExportError: if something else than an export is in the directory, or `check` says so.
    OSError: if it cannot be written.
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
  """Returns a SavedModel. Keep the object as long as one of its signatures is used.

  Args:
    directory: where it is.
    signatures: names of those that it must have.

  Raises:
    ExportError: if there is no SavedModel, it cannot be read, or it has other signatures.
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
  """Returns the content of a text file that a SavedModel has among its assets.

  Raises:
    ExportError: if it has none of that name.
  """
  path = os.path.join(directory, "assets", name)
  if not os.path.isfile(path):
    raise ExportError(f"{directory}: has no {name} among its assets; was it exported as such a network?")
  with open(path, encoding="utf-8") as file:
    return file.read()


def _write_texts(directory: str, texts: Mapping[str, str]) -> dict[str, str]:
  paths = {name: os.path.join(directory, name) for name in texts}
  for name, text in texts.items():
    with open(paths[name], "w", encoding="utf-8", newline="\n") as file:
      file.write(text)
  return paths


def _check_replaceable(directory: str) -> None:
  if not os.path.isdir(directory):
    if os.path.exists(directory):
      raise ExportError(f"{directory}: is a file; expected a directory to export to")
    return
  if os.listdir(directory) and not os.path.isfile(os.path.join(directory, _MODEL_FILE)):
    raise ExportError(f"{directory}: will not be replaced, since it is no SavedModel; {_content(directory)}")


def _content(directory: str) -> str:
  if not os.path.isdir(directory):
    return "it is no directory"
  return f"it holds {', '.join(sorted(os.listdir(directory))[:5]) or 'nothing'}"
