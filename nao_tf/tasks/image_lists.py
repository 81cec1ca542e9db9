"""Lists of image files with their classes: a directory with one subdirectory per class, or a CSV file."""

import collections
import csv
import os

from absl import logging

from nao_tf.tasks.image_files import ENDINGS, ImageFile, is_image

LIST_ENDING = ".csv"
SPLITS = {"train", "training", "val", "valid", "validation", "test", "testing"}
"""Names of folders that are those of splits."""

_IMAGE, _FOLDER = "image", "folder"
_SHOWN = 5


def list_files(path: str, *, reports: bool = True) -> list[ImageFile]:
  """Lists the image files of a directory with one subdirectory per class, or of a CSV file.

  Args:
    path: path of the directory or of the file.
    reports: whether to warn of other files in the directory, which are skipped.

  Raises:
    ValueError: if it is neither, or lists no images.
    FileNotFoundError: if there is no such directory or file.
  """
  if not os.path.exists(path):
    raise FileNotFoundError(f"{path}: there is no such directory with a folder for each class, and no such CSV file")
  if os.path.isdir(path):
    return files_of_directory(path, reports=reports)
  if path.lower().endswith(LIST_ENDING):
    return files_of_csv(path)
  raise ValueError(
    f"{path}: expected a directory with a folder for each class, or a file whose name ends in {LIST_ENDING}; the name of a"
    " text ends in .txt"
  )


def files_of_directory(directory: str, *, reports: bool = True) -> list[ImageFile]:
  """Lists the image files in the subdirectories of a directory, which are the classes. Hidden files are skipped.

  A link to a file that does not exist is listed if it is named as an image, since it is one that is damaged.

  Args:
    directory: directory with one subdirectory per class, with images in it or in nested subdirectories.
    reports: whether to warn of other files, which are skipped.

  Raises:
    ValueError: if there are no subdirectories, they are those of splits, one of them has no image, or one is a link to a
      directory that contains it.
    OSError: if the directory cannot be read.
  """
  names = sorted(entry.name for entry in os.scandir(directory) if entry.is_dir() and not entry.name.startswith("."))
  if not names:
    images = len(_images_below(directory, collections.Counter()))
    but = (
      f" but {images} images; move the images of each class to a folder, or list them in a .csv file" if images else ""
    )
    raise ValueError(f"{directory}: expected a folder with images for each class, got no folders{but}")
  if {name.lower() for name in names} <= SPLITS:
    raise ValueError(
      f"{directory}: expected a folder for each class, got the splits {', '.join(names)}; pass the directory of the"
      f" training images, such as {os.path.join(directory, _training_split(names))}"
    )
  skipped: collections.Counter[str] = collections.Counter()
  found = {name: _images_below(os.path.join(directory, name), skipped) for name in names}
  if reports:
    _report(directory, skipped)
  empty = [name for name, paths in found.items() if not paths]
  if empty:
    raise ValueError(
      f"{directory}: expected images ({', '.join(ENDINGS)}) in the folder of each class, got none in"
      f" {', '.join(empty[:_SHOWN])}"
    )
  return [ImageFile(path, name) for name, paths in found.items() for path in paths]


def files_of_csv(path: str) -> list[ImageFile]:
  """Returns the image files that a CSV file lists, with their labels.

  Args:
    path: path of a file with two columns: names of image files, as seen from its directory, and labels. A first line
      that names the columns is left out.

  Raises:
    ValueError: if it has other columns, an empty label, or the name of a file that does not exist.
    OSError: if it cannot be read.
  """
  with open(path, newline="", encoding="utf-8-sig") as file:
    try:
      rows = [(number, row) for number, row in enumerate(csv.reader(file), start=1) if row]
    except (csv.Error, UnicodeDecodeError) as error:
      raise ValueError(f"{path}: is no CSV file in UTF-8 ({error})") from error
  wrong = next(((number, row) for number, row in rows if len(row) != 2), None)
  if wrong is not None:
    raise ValueError(
      f"{path}, line {wrong[0]}: expected two columns, a file name and a label with a comma between them, got"
      f" {len(wrong[1])}: {','.join(wrong[1])[:80]}"
    )
  rows = rows[1:] if rows and not _exists(path, rows[0][1][0]) and not is_image(rows[0][1][0].strip()) else rows
  if not rows:
    raise ValueError(f"{path}: expected a file name and a label in each line, got no such line")
  _check_rows(path, rows)
  return [ImageFile(_place(path, row[0]), row[1].strip()) for _, row in rows]


def _training_split(names: list[str]) -> str:
  """Returns the folder of splits that is most likely to hold what to train on."""
  return next((name for name in names if name.lower().startswith("train")), names[0])


def _images_below(directory: str, skipped: collections.Counter[str]) -> list[str]:
  """Returns the paths of the images in a folder and in those below it, in order, and counts the kinds of other files."""
  visible = [entry for entry in os.scandir(directory) if not entry.name.startswith(".")]
  entries = {entry.path: _kind(entry) for entry in sorted(visible, key=lambda entry: entry.name)}
  skipped.update(kind for kind in entries.values() if kind not in (_IMAGE, _FOLDER))
  found = [path for path, kind in entries.items() if kind == _IMAGE]
  for folder in (path for path, kind in entries.items() if kind == _FOLDER):
    if os.path.islink(folder) and _real(directory).startswith(_real(folder)):
      raise ValueError(f"{folder}: is a link to a folder that contains it; remove it")
    found += _images_below(folder, skipped)
  return found


def _real(directory: str) -> str:
  """Returns the path of a directory without links, and with a separator at its end."""
  return os.path.join(os.path.realpath(directory), "")


def _kind(entry: os.DirEntry[str]) -> str:
  """Returns `_FOLDER`, `_IMAGE` for a file that is named as one, or else in words what it is."""
  is_link = entry.is_symlink()  # Unlike an entry, os.path does not raise an error if a link is a link to itself.
  if os.path.isdir(entry.path) if is_link else entry.is_dir():
    return _FOLDER
  if not is_image(entry.name):
    return os.path.splitext(entry.name)[1].lower() or "without an ending"
  is_file = os.path.isfile(entry.path) or not os.path.exists(entry.path) if is_link else entry.is_file()
  return _IMAGE if is_file else "not a regular file"


def _report(directory: str, skipped: collections.Counter[str]) -> None:
  """Warns of files that are skipped, with how many there are of each kind."""
  kinds = [f"{kind} ({count})" for kind, count in skipped.most_common(_SHOWN)]
  more = [f"{len(skipped) - _SHOWN} other endings"] if len(skipped) > _SHOWN else []
  if kinds:
    total = sum(skipped.values())
    logging.warning(
      "%s: skipping %d file%s other than %s: %s",
      *(directory, total, "s" * (total > 1), ", ".join(ENDINGS), ", ".join([*kinds, *more])),
    )


def _check_rows(path: str, rows: list[tuple[int, list[str]]]) -> None:
  missing = [(number, row[0]) for number, row in rows if not _exists(path, row[0])]
  if missing:
    raise ValueError(
      f"{path}, line {missing[0][0]}: there is no file {_place(path, missing[0][1])} ({len(missing)} such lines)"
    )
  unlabeled = [number for number, row in rows if not row[1].strip()]
  if unlabeled:
    raise ValueError(f"{path}, line {unlabeled[0]}: expected a label, got none ({len(unlabeled)} such lines)")


def _place(path: str, name: str) -> str:
  """Returns the path of a file that a list names."""
  return os.path.join(os.path.dirname(path), name.strip())


def _exists(path: str, name: str) -> bool:
  return os.path.isfile(_place(path, name))
