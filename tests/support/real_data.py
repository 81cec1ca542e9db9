"""Where tests find real data: the directory in NAO_TF_DATA_DIR, or ../shared/data beside the checkout."""

import os
import pathlib

import pytest

_DEFAULT = pathlib.Path(__file__).parents[3] / "shared" / "data"


def data_path(name):
  """Returns the path of a file or directory of the real data; skips the test if it is not there."""
  path = pathlib.Path(os.environ.get("NAO_TF_DATA_DIR", _DEFAULT)) / name
  if not path.exists():
    pytest.skip(f"no {path}: set NAO_TF_DATA_DIR to the directory that holds {name}")
  return str(path)
