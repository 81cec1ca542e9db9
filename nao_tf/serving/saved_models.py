"""SavedModels on disk: written to a staging directory, verified, and only then moved to their final path.

A SavedModel is a program: loading and calling one executes code chosen by its author, which may read and write files.
Only load SavedModels that you trust.
"""

import contextlib
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import tensorflow as tf

from nao_tf.runs.json_files import parse_json
from nao_tf.serving.export_target import MODEL_FILE, ExportError, ExportTarget, check_target, complete_export, content
from nao_tf.serving.manifests import check_files, write_manifest
from nao_tf.training.disk import ADVICE
from nao_tf.training.literal_paths import literal_path

__all__ = [
  "ExportError",
  "call_errors",
  "check_signature",
  "check_target",
  "load_saved_model",
  "read_asset",
  "read_json_asset",
  "write_saved_model",
]


def write_saved_model(
  directory: str,
  make: Callable[[Mapping[str, str]], tuple[tf.Module, Mapping[str, Any]]],
  *,
  texts: Mapping[str, str],
  check: Callable[[tf.Module, Any], None],
) -> None:
  """Writes a SavedModel, loads it again, checks it, and replaces an earlier one by it.

  At any moment either the earlier one or the new one can be loaded; see `nao_tf.serving.export_target`. If an error is
  raised before the new one takes its place, nothing of it is left behind.

  Args:
    directory: path of the directory to write. It is touched only after everything has been written and checked.
    make: returns the module and its signatures, given the paths of the asset files by name.
    texts: the contents of the asset files by name.
    check: compares the module and the loaded SavedModel, and raises if they differ.

  Raises:
    ExportError: if something else than an export is in the directory, another process is exporting there, or `check`
      raises it.
    OSError: if the directory cannot be written.
  """
  target = ExportTarget(directory)
  with target.staging() as staging:
    written = os.path.join(staging, "new")
    with literal_path(staging) as plain:
      module, signatures = make(_write_texts(plain, texts))
      _save(module, os.path.join(plain, "new"), signatures, directory)
    write_manifest(written)
    check(module, load_saved_model(written, signatures))
    target.put(written)


def load_saved_model(directory: str, signatures: Collection[str]) -> Any:
  """Loads a SavedModel. Keep the returned object as long as one of its signatures is used.

  Args:
    directory: directory of the SavedModel. Load only what you trust: see the module.
    signatures: names of the signatures that it must have.

  Raises:
    ExportError: if there is no SavedModel, a file of it is damaged, or it lacks a signature; the message names the file.
  """
  place = complete_export(directory)
  if not os.path.isfile(os.path.join(place, MODEL_FILE)):
    raise ExportError(f"{directory}: expected a SavedModel, but there is no {MODEL_FILE}; {content(directory)}")
  try:
    check_files(place)
  except (ValueError, OSError) as error:
    raise ExportError(str(error)) from error
  loaded = _load(place)
  missing = set(signatures) - set(getattr(loaded, "signatures", ()))
  if missing:
    raise ExportError(f"{directory}: has no signature {', '.join(sorted(missing))}; is it an export of such a network?")
  return loaded


def check_signature(
  directory: str, loaded: Any, name: str, *, inputs: Mapping[str, int], outputs: Collection[str]
) -> Mapping[str, tf.TensorSpec]:
  """Checks the inputs and outputs of a signature; returns the inputs.

  Args:
    directory: directory of the SavedModel, for the error message.
    loaded: what `load_saved_model` returned.
    name: name of the signature.
    inputs: the rank of each input, by name.
    outputs: names of the outputs.

  Raises:
    ExportError: if an input or output is missing, or an input has another rank.
  """
  function = loaded.signatures[name]
  specs, found = function.structured_input_signature[1], function.structured_outputs
  wrong = [key for key, rank in inputs.items() if key not in specs or specs[key].shape.rank != rank]
  wrong += [key for key in outputs if not isinstance(found, Mapping) or key not in found]
  if wrong:
    raise ExportError(
      f"{directory}: its signature {name} has no valid {', '.join(wrong)}; is it an export of such a network?"
    )
  return {key: specs[key] for key in inputs}


@contextlib.contextmanager
def call_errors(directory: str) -> Iterator[None]:
  """Raises ExportError, with the directory, for an error of TensorFlow while a SavedModel is called."""
  try:
    yield
  except tf.errors.OpError as error:
    raise ExportError(f"{directory}: its network cannot be run ({error.message.strip()})") from error


def read_asset(directory: str, name: str) -> str:
  """Returns the content of a text file among the assets of a SavedModel.

  Raises:
    ExportError: if there is no such file, or it is not in UTF-8.
  """
  path = os.path.join(complete_export(directory), "assets", name)
  if not os.path.isfile(path):
    raise ExportError(f"{directory}: has no {name} among its assets; is it an export of such a network?")
  try:
    with open(path, encoding="utf-8", newline="") as file:
      return file.read()
  except (UnicodeDecodeError, OSError) as error:
    raise ExportError(f"{path}: cannot be read as text ({error})") from error


def read_json_asset(directory: str, name: str) -> dict[str, Any]:
  """Returns the content of a JSON file among the assets of a SavedModel, an object with names.

  Raises:
    ExportError: if there is no such file, or it is not JSON of that kind.
  """
  path = os.path.join(directory, "assets", name)
  try:
    value = parse_json(read_asset(directory, name).encode("utf-8"), path)
  except ExportError:
    raise
  except ValueError as error:
    raise ExportError(str(error)) from error
  if not isinstance(value, dict):
    raise ExportError(f"{path}: expected a JSON object, got a {type(value).__name__}")
  return value


def _save(module: tf.Module, path: str, signatures: Mapping[str, Any], directory: str) -> None:
  """Writes a SavedModel at a path, which is to be moved to a directory."""
  options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)  # What is served is not trained.
  try:
    tf.saved_model.save(module, path, signatures=dict(signatures), options=options)
  except tf.errors.OpError as error:
    advice = f"; {ADVICE}" if isinstance(error, tf.errors.ResourceExhaustedError) else ""
    raise OSError(f"{directory}: the SavedModel cannot be written ({error.message}){advice}") from error


def _load(directory: str) -> Any:
  try:
    with literal_path(directory) as plain:
      return tf.saved_model.load(plain)
  except Exception as error:  # What damaged bytes lead to is not documented.
    path = os.path.join(directory, MODEL_FILE)
    reason = str(error).split("\n")[0] or type(error).__name__
    raise ExportError(f"{path}: its SavedModel cannot be loaded ({reason})") from error


def _write_texts(directory: str, texts: Mapping[str, str]) -> dict[str, str]:
  """Writes text files; returns their paths by name."""
  paths = {name: os.path.join(directory, name) for name in texts}
  for name, text in texts.items():
    with open(paths[name], "w", encoding="utf-8", newline="") as file:
      file.write(text)
  return paths
