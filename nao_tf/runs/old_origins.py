"""Reads the origins of architectures in journals of version 0.1.0, which recorded them as text."""

import re
from typing import Any

from nao_tf import fields
from nao_tf.trial import Origin

_PATTERNS = (
  (r"mutation of #(?P<parent>[0-9]+)", "mutation"),
  (r"ascent from #(?P<parent>[0-9]+), step (?P<step>[^,]+)(?P<indirect>, after others)?", "ascent"),
  (r"decoded around #(?P<parent>[0-9]+)(?P<indirect>, after others)?", "decoded"),
  (r"neighbour of #(?P<parent>[0-9]+)", "neighbor"),
  (r"#(?P<parent>[0-9]+) of the search, reward (?P<reward>.+)", "rerank"),
)
_MOST_DIGITS = 18
"""Digits of the number of a trial."""


def read_origin(value: Any) -> Origin:
  """Returns an origin from a file: the words of version 0.1.0, or what `Origin.to_json` returned.

  Raises:
    ValueError: if it is neither.
  """
  return origin_of_text(value) if isinstance(value, str) else Origin.from_json(value)


def origin_of_text(text: str) -> Origin:
  """Returns the origin that a text of version 0.1.0 says; one of that kind if it is none of them.

  Raises:
    ValueError: if a number in it is none, or is too large.
  """
  for pattern, kind in _PATTERNS:
    match = re.fullmatch(pattern, text)
    if match:
      return _origin(kind, match.groupdict())
  return Origin(text)


def _origin(kind: str, found: dict[str, str | None]) -> Origin:
  step, reward = (_number(found.get(name), name) for name in ("step", "reward"))
  return Origin(kind, (_parent(found["parent"] or ""),), step, bool(found.get("indirect")), reward)


def _parent(digits: str) -> int:
  if len(digits) > _MOST_DIGITS:
    raise fields.wrong("the number of a trial", "parent", digits)
  return int(digits)


def _number(text: str | None, name: str) -> float | None:
  if text is None:
    return None
  try:
    value = float(text)
  except ValueError as error:
    raise fields.wrong("a finite number", name, text) from error
  return fields.number(value, name)
