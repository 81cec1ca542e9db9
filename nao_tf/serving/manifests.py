"""The list of the files of an export: `export.json`, with a digest of each file.

It tells an export from other directories, and shows which file was damaged. Exports of version 0.1 have none.
"""

import hashlib
import os
import re
from collections.abc import Sequence

from nao_tf.runs.json_files import read_json, write_json

MANIFEST = "export.json"
_FILES = "files"
_PART_OF_OLD_EXPORT = re.compile(
  r"saved_model\.pb|fingerprint\.pb|variables/variables\.(index|data-\d{5}-of-\d{5})"
  r"|assets/(genotype\.json|labels\.txt|pixels\.json|vocabulary\.txt)"
)
_ASSET_OF_OLD_EXPORT = os.path.join("assets", "genotype.json")


def write_manifest(directory: str) -> None:
  """Lists the files of a directory in its manifest."""
  digests = {name: _digest(os.path.join(directory, name)) for name in list_files(directory)}
  write_json(os.path.join(directory, MANIFEST), {_FILES: digests})


def check_files(directory: str) -> None:
  """Checks the files of an export against its manifest, if it has one.

  Raises:
    ValueError: if a file is missing or was changed, or the manifest cannot be read; the message names it.
    OSError: if a file cannot be read.
  """
  for name, digest in _digests(directory).items():
    path = os.path.join(directory, name)
    if not os.path.isfile(path):
      raise ValueError(f"{path}: is missing in the export")
    if _digest(path) != digest:
      raise ValueError(f"{path}: was damaged or changed since it was exported")


def foreign_files(directory: str, *, ignore: Sequence[str] = ()) -> list[str]:
  """Returns the files in a directory that no export of this package put there.

  Args:
    directory: exists.
    ignore: names in it that are left out.

  Raises:
    ValueError: if there is a manifest and it cannot be read.
  """
  listed = _digests(directory)
  found = [name for name in list_files(directory) if name.split("/")[0] not in ignore]
  if listed:
    return [name for name in found if name not in listed and name != MANIFEST]
  if not os.path.isfile(os.path.join(directory, _ASSET_OF_OLD_EXPORT)):
    return found
  return [name for name in found if not _PART_OF_OLD_EXPORT.fullmatch(name)]


def list_files(directory: str) -> list[str]:
  """Returns the files and links below a directory, as paths relative to it with "/", in order."""
  found: list[str] = []
  for parent, directories, names in os.walk(directory):
    links = [name for name in directories if os.path.islink(os.path.join(parent, name))]
    found += [os.path.relpath(os.path.join(parent, name), directory) for name in (*names, *links)]
  return sorted(name.replace(os.sep, "/") for name in found)


def _digests(directory: str) -> dict[str, str]:
  """Returns the digests of a manifest by the names of the files; none if there is no manifest."""
  path = os.path.join(directory, MANIFEST)
  if not os.path.isfile(path):
    return {}
  data = read_json(path)
  files = data.get(_FILES) if isinstance(data, dict) else None
  if not isinstance(files, dict) or not files:
    raise ValueError(f"{path}: expected the digests of files by name under {_FILES!r}")
  inside = all(not os.path.isabs(name) and ".." not in name.split("/") for name in files)
  if not inside or not all(isinstance(digest, str) for digest in files.values()):
    raise ValueError(f"{path}: expected the digests of files of the export, got {list(files)[:5]}")
  return files


def _digest(path: str) -> str:
  """Returns the SHA-256 of a file."""
  digest = hashlib.sha256()
  with open(path, "rb") as file:
    for block in iter(lambda: file.read(2**20), b""):
      digest.update(block)
  return digest.hexdigest()
