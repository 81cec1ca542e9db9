"""Lists of image files with their classes: a directory with one subdirectory per class, or a CSV file."""

import csv
import os

from absl import logging

from nao_tf.tasks.image_files import ENDINGS, ImageFile, is_image

LIST_ENDING = ".csv"
SPLITS = {"train", "training", "val", "valid", "validation", "test", "testing"}
"""Names of folders that are those of splits."""

_SHOWN = 5


def list_files(path: str) -> list[ImageFile]:
  """Lists the image files of a directory with one subdirectory per class, or of a CSV file.

  Raises:
    ValueError: if it is neither, or lists no images.
    FileNotFoundError: if there is no such directory or file.
  """
  if not os.path.exists(path):
    raise FileNotFoundError(f"{path}: there is no such directory with a folder for each class, and no such CSV file")
  if os.path.isdir(path):
    return files_of_directory(path)
  if path.lower().endswith(LIST_ENDING):
    return files_of_csv(path)
  raise ValueError(
    f"{path}: expected a directory with a folder for each class, or a file whose name ends in {LIST_ENDING}; the name of a"
    " text ends in .txt"
  )


def files_of_directory(directory: str) -> list[ImageFile]:
  """Lists the image files in the subdirectories of a directory, which are the classes. Hidden files are skipped.

  Args:
    directory: directory with one subdirectory per class, with images in it or in nested subdirectories.

  Raises:
    ValueError: if there are no subdirectories, they are those of splits, or one of them has no image.
    OSError: if the directory cannot be read.
  """
  names = sorted(entry.name for entry in os.scandir(directory) if entry.is_dir() and not entry.name.startswith("."))
  if not names:
    images = len(_images_below(directory))
    but = (
      f" but {images} images; move the images of each class to a folder, or list them in a .csv file" if images else ""
    )
    raise ValueError(f"{directory}: expected a folder with images for each class, got no folders{but}")
  if {name.lower() for name in names} <= SPLITS:
    raise ValueError(
      f"{directory}: expected a folder for each class, got the splits {', '.join(names)}; pass the directory of the"
      f" training images, such as {os.path.join(directory, _training_split(names))}"
    )
  found = {name: _images_below(os.path.join(directory, name)) for name in names}
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


def _images_below(directory: str) -> list[str]:
  """Returns the paths of the images in a folder and in those below it, in order."""
  found: list[str] = []
  others = 0
  for parent, folders, names in os.walk(directory, followlinks=True):
    folders[:] = sorted(name for name in folders if not name.startswith("."))
    visible = [name for name in sorted(names) if not name.startswith(".")]
    found += [os.path.join(parent, name) for name in visible if is_image(name)]
    others += sum(not is_image(name) for name in visible)
  if others:
    logging.warning("%s: skipping %d files whose names are not those of images", directory, others)
  return found


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
