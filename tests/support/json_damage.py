"""JSON files as they may be after an accident, or from a stranger: for property-based tests."""

import copy
import json

from hypothesis import strategies as st

JUNK = [None, True, -1, 0, 1.5, "a", "", [], {}, [1], ["a"], {"a": 1}, [[1]], float("nan"), float("inf"), 2**70]


@st.composite
def damaged(draw, content):
  """Draws JSON text with a value replaced or removed, or with bytes changed or cut off."""
  kind = draw(st.sampled_from(["replace", "replace", "remove", "bytes", "cut"]))
  if kind == "cut":
    return content[: draw(st.integers(0, len(content) - 1))]
  if kind == "bytes":
    position = draw(st.integers(0, len(content) - 1))
    return content[:position] + bytes([draw(st.integers(0, 255))]) + content[position + 1 :]
  value = json.loads(content)
  path = draw(st.sampled_from([path for path in _paths(value) if path]))
  return json.dumps(_changed(value, path, draw(st.sampled_from(JUNK)) if kind == "replace" else None, kind)).encode()


def _paths(value, path=()):
  """Yields the path to each part of a value."""
  yield path
  if isinstance(value, (dict, list)):
    for key in value if isinstance(value, dict) else range(len(value)):
      yield from _paths(value[key], (*path, key))


def _changed(value, path, junk, kind):
  value = copy.deepcopy(value)
  parent = value
  for key in path[:-1]:
    parent = parent[key]
  if kind == "remove":
    del parent[path[-1]]
  else:
    parent[path[-1]] = junk
  return value
