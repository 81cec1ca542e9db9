"""Tables of architectures that were all trained once. The format of a file is told by its arrays.

A new format is a file here and a row below.
"""

import re

from nao_tf.tables import nasbench101, nasbench201
from nao_tf.tables.arrays import load_arrays
from nao_tf.tables.base import Table

FORMATS = {"nasbench101": nasbench101, "nasbench201": nasbench201}

__all__ = ["FORMATS", "Table", "read_table"]


def read_table(path: str) -> Table:
  """Reads a table file.

  Raises:
    ValueError: if the file is not a table of a known format, saying what does not fit.
    OSError: if it cannot be read.
  """
  arrays = load_arrays(path)
  for table_format in FORMATS.values():
    if any(re.fullmatch(table_format.PATTERN, name) for name in arrays):
      return table_format.table_of(path, arrays)
  raise ValueError(
    f"{path}: not a table of {' or '.join(FORMATS)}: none of their arrays is there; found {', '.join(arrays) or 'none'}"
  )
