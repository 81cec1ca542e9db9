"""Damages files: JSON by its structure, archives by their members, anything by its bytes.

A mutation is a function of a sample and of a source of random numbers, which has the methods of `random.Random`.
"""

import copy
import io
import json
import struct
import zipfile

import numpy as np

RAW = (
  *("null", "true", "false", "0", "-1", "1", "2", "0.7", "1.0", "99", "1e999", "-1e999", "NaN", "Infinity", "-0.0"),
  *("9" * 400, "-" + "9" * 400, "9" * 5000, "1e-400", "9223372036854775807", "9223372036854775808", "1e308"),
  *('""', '"x"', '"0"', '"nan"', '"\\ud800"', '"\\u0000"', '"' + "x" * 10_000 + '"', '"../../etc"'),
  *("[]", "{}", "[[]]", "[null]", '{"": null}', '{"a": 1, "a": 2}', "[1, 2, 3]", '[["sep3x3", 0]]'),
  *("[" * 60 + "]" * 60, '{"a":' * 60 + "1" + "}" * 60, "[" * 2000 + "]" * 2000, "[" * 50_000),
  *("mutation of #3", "ascent from #1, step nan"),
)
"""Values that replace others, as JSON text; some are none."""

_MARK = "\x01raw"


def places(value, path=()):
  """Returns the places of all values in a JSON value, as tuples of keys and indices."""
  if isinstance(value, dict):
    return [path, *(place for key, part in value.items() for place in places(part, (*path, key)))]
  if isinstance(value, list):
    return [path, *(place for index, part in enumerate(value) for place in places(part, (*path, index)))]
  return [path]


class JsonSample:
  """A JSON value to damage.

  Attributes:
    value: the value.
  """

  def __init__(self, value):
    self.value = value
    self._places = places(value)

  def damaged(self, rng):
    """Returns JSON text of the value with one to three places changed."""
    value, raws = {"": copy.deepcopy(self.value)}, []
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
      self._change(value, ("", *rng.choice(self._places)), rng, raws)
    text = json.dumps(value[""])
    for number, raw in enumerate(raws):
      text = text.replace(json.dumps(f"{_MARK}{number}."), raw)
    return text.encode("utf-8", "surrogatepass")

  def _change(self, value, path, rng, raws):
    *above, last = path
    try:
      for key in above:
        value = value[key]
      inside = value[last]
    except (KeyError, IndexError, TypeError):
      return
    if isinstance(value, str):  # An earlier change has put a text here.
      return
    kind = rng.randrange(8)
    if kind == 0 and len(path) > 1:
      del value[last]
    elif kind == 1 and isinstance(inside, dict):
      inside[rng.choice(("extra", "", "kind", "closed", "asked", "normal", "0"))] = self._raw(rng, raws)
    elif kind == 1 and isinstance(inside, list):
      inside.insert(rng.randrange(len(inside) + 1), self._raw(rng, raws))
    elif kind == 2 and isinstance(inside, list) and inside:
      inside.append(copy.deepcopy(rng.choice(inside)))
    elif kind == 3:
      value[last] = [inside]
    elif kind == 4:
      value[last] = copy.deepcopy(self._at(rng.choice(self._places)))
    elif kind == 5 and isinstance(inside, (int, float)):
      value[last] = rng.choice(
        (inside + 1, inside - 1, -inside, inside + 0.5, float(inside), str(inside), bool(inside))
      )
    else:
      value[last] = self._raw(rng, raws)

  def _raw(self, rng, raws):
    raws.append(rng.choice(RAW))
    return f"{_MARK}{len(raws) - 1}."

  def _at(self, path):
    value = self.value
    for key in path:
      value = value[key]
    return value


def damaged_bytes(data, rng):
  """Returns bytes with a part cut off, changed, removed, repeated or replaced by garbage."""
  kind = rng.randrange(9)
  start = rng.randrange(len(data) + 1)
  end = min(len(data), start + rng.choice((1, 1, 2, 8, 100, 10_000)))
  if kind == 0:
    return data[:start]
  if kind == 1:
    return data[:start] + data[end:]
  if kind == 2:
    return data[:end] + data[start:]
  if kind == 3:
    return data[start:]
  if kind == 4:
    return rng.choice((b"", b"\n", b"\0", b"\xef\xbb\xbf" + data, data + data, b"\xff\xfe" + data, data + b"\0" * 100))
  if kind == 5:
    return data[:start] + rng.choice(RAW).encode() + data[end:]
  noise = bytes(rng.randrange(256) for _ in range(min(end - start, 16) or 1))
  return data[:start] + noise + data[start + len(noise) :] if kind < 8 else noise


class JsonFile:
  """A file with one JSON value."""

  def __init__(self, data):
    self._data, self._sample = data, JsonSample(json.loads(data))

  def damaged(self, rng):
    """Returns the bytes of a damaged file."""
    return self._sample.damaged(rng) if rng.randrange(5) else damaged_bytes(self._data, rng)


class LinesOfJson:
  """A file with a JSON value in each line."""

  def __init__(self, data):
    self._data = data
    self._lines = data.split(b"\n")[:-1]
    self._samples = [JsonSample(json.loads(line)) for line in self._lines]

  def damaged(self, rng):
    """Returns the bytes of a damaged file."""
    kind = rng.randrange(8)
    if kind == 0:
      return damaged_bytes(self._data, rng)
    lines = list(self._lines)
    if kind == 1:
      lines.insert(rng.randrange(len(lines) + 1), rng.choice((*lines, *(raw.encode() for raw in RAW))))
    elif kind == 2:
      rng.shuffle(lines)
    else:
      index = rng.randrange(len(lines))
      lines[index] = self._samples[index].damaged(rng)
    return b"\n".join((*lines, b""))


class Bytes:
  """A file without a known structure."""

  def __init__(self, data):
    self._data = data

  def damaged(self, rng):
    """Returns the bytes of a damaged file."""
    for _ in range(rng.choice((1, 1, 2))):
      damaged = damaged_bytes(self._data, rng)
    return damaged


SHAPES = (
  *(
    "()",
    "(0,)",
    "(1,)",
    "(-1,)",
    "(5,)",
    "(6, 6)",
    "(1000000000000,)",
    "(1000000000000, 6)",
    "(0, 10**30)",
    "(True,)",
  ),
  *("(0.5,)", "(0, 1000000000000000000000000000000)", "None", "5", "'x'", "(" * 90 + ")" * 90, "-" * 5000 + "1", "[6]"),
)
DTYPES = (
  *(
    "'<f8'",
    "'|u1'",
    "'|O'",
    "'<U5'",
    "'<U500000000'",
    "'|V8'",
    "[('a', '<i4')]",
    "'>i2'",
    "'<c16'",
    "'|b1'",
    "'<M8[s]'",
  ),
  *("'<i3'", "''", "None", "5", "()", "[]", "[()]", "{}", "('<i4', (2,))", "'<i4,<i4'", "'|S0'", "'<f2'"),
)
NUMBERS = (
  0,
  1,
  -1,
  2,
  5,
  7,
  99,
  255,
  256,
  2**31,
  2**40,
  2**63 - 1,
  2**64 - 1,
  0.5,
  float("nan"),
  float("inf"),
  -0.5,
  1e300,
)


class Archive:
  """An `.npz` file."""

  def __init__(self, data):
    self._data = data
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
      self._arrays = {name: file[name] for name in file.files}
    self._members = {name: array_bytes(array) for name, array in self._arrays.items()}

  def damaged(self, rng):
    """Returns the bytes of a damaged file."""
    if not rng.randrange(3):
      return damaged_bytes(self._data, rng)
    members = dict(self._members)
    for _ in range(rng.choice((1, 1, 2))):
      self._change(members, rng)
    return self._packed(members, rng)

  def _change(self, members, rng):
    name = rng.choice(list(self._arrays))
    kind = rng.randrange(6)
    if kind == 0:
      members.pop(name, None)
    elif kind == 1:
      members[rng.choice(("extra", "x_val1", "cifar10_val" + "9" * 30, "", "a/b"))] = rng.choice(
        (*members.values(), b"")
      )
    elif kind == 2:
      members[name] = self._with_header(name, rng)
    elif kind == 3:
      members[name] = array_bytes(damaged_array(self._arrays[name], rng))
    elif kind == 4:
      members[name] = self._members[rng.choice(list(self._members))]
    else:
      members[name] = damaged_bytes(self._members[name], rng)

  def _with_header(self, name, rng):
    array = self._arrays[name]
    text = "{{'descr': {}, 'fortran_order': {}, 'shape': {}, }}\n".format(
      rng.choice((repr(array.dtype.str), *DTYPES)),
      rng.choice(("False", "False", "True", "1", "None")),
      rng.choice((repr(array.shape), *SHAPES)),
    )
    head = struct.pack("<H", len(text)) if rng.randrange(4) else struct.pack("<I", rng.choice((len(text), 2**32 - 1)))
    version = b"\1\0" if len(head) == 2 else rng.choice((b"\2\0", b"\3\0", b"\xff\0"))
    return b"\x93NUMPY" + version + head + text.encode() + array.tobytes()

  def _packed(self, members, rng):
    stream = io.BytesIO()
    method = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    with zipfile.ZipFile(stream, "w", method if rng.randrange(20) else zipfile.ZIP_BZIP2) as file:
      for name, data in members.items():
        file.writestr(zipfile.ZipInfo(f"{name}.npy"), data, method)
    packed = bytearray(stream.getvalue())
    if not rng.randrange(10):
      place = packed.find(b"PK\1\2")
      packed[place + rng.choice((8, 10, 20, 24, 28, 42))] ^= rng.choice((1, 2, 8, 128))
    return bytes(packed)


def damaged_array(array, rng):
  """Returns an array with another type, another shape, or another element."""
  kind = rng.randrange(4)
  with np.errstate(all="ignore"):
    if kind == 0:
      types = (np.float32, np.float64, np.int64, np.int8, np.uint64, bool, "U3", "S2", complex)
      return array.astype(rng.choice(types)) if array.dtype.kind in "iuf" else np.arange(array.size)
    if kind == 1:
      return rng.choice(
        (array[:0], array[1:], array[..., None], array[None], array.ravel(), np.repeat(array, 2, axis=0))
      )
    changed = (
      array.astype(rng.choice((array.dtype, np.float64, np.int64))) if array.dtype.kind in "iuf" else array.copy()
    )
    if changed.size:
      value = rng.choice(NUMBERS) if array.dtype.kind in "iuf" else rng.choice(("", "x", "none", "nor_conv_3x3"))
      changed.flat[rng.randrange(changed.size)] = np.array([value]).astype(changed.dtype)[0]
    return changed


def array_bytes(array):
  """Returns an array as a file in NumPy's format."""
  stream = io.BytesIO()
  np.lib.format.write_array(stream, np.asarray(array), allow_pickle=False)
  return stream.getvalue()
