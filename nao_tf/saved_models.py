"""SavedModels on disk: written beside their place, compared, and only then put there."""

import os
import shutil
from collections.abc import Callable, Collection, Mapping
from typing import Any

import tensorflow as tf

_MODEL_FILE = "saved_model.pb"


class ExportError(ValueError):
  """A SavedModel cannot be written or read, or is not what was exported."""


def write_saved_model(
  directory: str,
  make: Callable[[Mapping[str, str]], tuple[tf.Module, Mapping[str, Any]]],
  *,
  texts: Mapping[str, str],
  check: Callable[[tf.Module, Any], None],
) -> None:
  """Writes a SavedModel, reads it again, checks it, and puts it in the place of an earlier one.

  Args:
    directory: where to. It is touched only when everything has been written and checked.
    make: given the paths of the asset files by name, returns the module and its signatures.
    texts: the asset files' contents by name.
    check: given the module and what was loaded; raises if they differ.

  Raises:
    ExportError: if something else than an export is in the directory, or `check` says so.
    OSError: if it cannot be written.
  """
  if os.path.isdir(directory) and os.listdir(directory) and _MODEL_FILE not in os.listdir(directory):
    raise ExportError(f"{directory}: is not empty and holds no {_MODEL_FILE}; not replacing it")
  written = f"{os.path.normpath(directory)}.tmp"
  for leftover in (written, f"{written}.assets"):
    shutil.rmtree(leftover, ignore_errors=True)
  module, signatures = make(_write_texts(f"{written}.assets", texts))
  options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)  # What is served is not trained.
  tf.saved_model.save(module, written, signatures=dict(signatures), options=options)
  shutil.rmtree(f"{written}.assets")
  check(module, load_saved_model(written, signatures))
  shutil.rmtree(directory, ignore_errors=True)
  os.replace(written, directory)


def load_saved_model(directory: str, signatures: Collection[str]) -> Any:
  """Returns a SavedModel. Keep the object as long as one of its signatures is used.

  Args:
    directory: where it is.
    signatures: names of those that it must have.

  Raises:
    ExportError: if there is no SavedModel, it cannot be read, or it has other signatures.
  """
  if not os.path.exists(os.path.join(directory, _MODEL_FILE)):
    raise ExportError(f"{directory}: no {_MODEL_FILE} here; expected the directory of an exported network")
  try:
    loaded = tf.saved_model.load(directory)
  except (OSError, ValueError, tf.errors.OpError) as error:
    raise ExportError(f"{directory}: cannot be read as a SavedModel: {error}") from error
  missing = set(signatures) - set(loaded.signatures)
  if missing:
    raise ExportError(f"{directory}: has no signature {', '.join(sorted(missing))}; was it exported as such a network?")
  return loaded


def _write_texts(directory: str, texts: Mapping[str, str]) -> dict[str, str]:
  os.makedirs(directory, exist_ok=True)
  paths = {name: os.path.join(directory, name) for name in texts}
  for name, text in texts.items():
    with open(paths[name], "w", encoding="utf-8", newline="\n") as file:
      file.write(text)
  return paths
