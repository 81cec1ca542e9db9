"""Reads where architectures came from in journals of version 0.1.0, which said so in words."""

import re
from collections.abc import Mapping
from typing import Any

from nao_tf.trial import Origin

_PATTERNS = (
  (r"mutation of #(?P<parent>\d+)", "mutation"),
  (r"ascent from #(?P<parent>\d+), step (?P<step>[^,]+)(?P<indirect>, after others)?", "ascent"),
  (r"decoded around #(?P<parent>\d+)(?P<indirect>, after others)?", "decoded"),
  (r"neighbour of #(?P<parent>\d+)", "neighbor"),
  (r"#(?P<parent>\d+) of the search, reward (?P<reward>.+)", "rerank"),
)


def read_origin(value: str | Mapping[str, Any]) -> Origin:
  """Returns an origin from a file: the words of version 0.1.0, or what `Origin.to_json` returned."""
  return origin_of_text(value) if isinstance(value, str) else Origin.from_json(value)


def origin_of_text(text: str) -> Origin:
  """Returns the origin that a text of version 0.1.0 says; one of that kind if it is none of them."""
  for pattern, kind in _PATTERNS:
    match = re.fullmatch(pattern, text)
    if match:
      return _origin(kind, match.groupdict())
  return Origin(text)


def _origin(kind: str, found: dict[str, str | None]) -> Origin:
  step, reward = (float(text) if (text := found.get(name)) else None for name in ("step", "reward"))
  return Origin(kind, (int(found["parent"] or 0),), step, bool(found.get("indirect")), reward)
