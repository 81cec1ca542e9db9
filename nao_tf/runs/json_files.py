"""JSON files that are complete at any moment."""

import json
import os
from typing import Any


def write_json(path: str, value: Any) -> None:
  """Writes a JSON file. At any moment there is either the old file or the new one, also after a power cut."""
  temporary = f"{path}.tmp"
  with open(temporary, "w", encoding="utf-8") as file:
    json.dump(value, file, indent=2)
    file.write("\n")
    file.flush()
    os.fsync(file.fileno())
  os.replace(temporary, path)
