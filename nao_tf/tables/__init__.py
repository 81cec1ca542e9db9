"""Tables of pretrained architectures (NAS benchmarks). The format of a file is detected from its arrays.

To add a format, add a file in this folder and a row below.
"""

import re

from nao_tf.registries import load_place
from nao_tf.tables.arrays import load_arrays, names_of
from nao_tf.tables.base import Table

FORMATS = {
  "nasbench101": "nao_tf.tables.nasbench101:FORMAT",
  "nasbench201": "nao_tf.tables.nasbench201:FORMAT",
}
"""Import paths of formats, each a `TableFormat`, by name."""

__all__ = ["FORMATS", "Table", "read_table"]


def read_table(path: str) -> Table:
  """Reads a table file.

  Raises:
    ValueError: if the file is not a table in a known format; the message says what is wrong.
    OSError: if the file cannot be read.
  """
  arrays = load_arrays(path)
  for place in FORMATS.values():
    table_format = load_place(place, "table format")
    if any(re.fullmatch(table_format.pattern, name) for name in arrays):
      return table_format.table_of(path, arrays)
  raise ValueError(
    f"{path}: not a table of {' or '.join(FORMATS)}: it has none of their arrays; found {names_of(arrays)}"
  )
