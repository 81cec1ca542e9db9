"""Arrays of a file: what is no file of arrays, and arrays that are not as expected."""

import io
import re
import resource
import struct
import time
import zipfile

import numpy as np
import pytest

from nao_tf.tables import read_table
from nao_tf.tables.arrays import (
  INTEGERS,
  NUMBERS,
  TEXTS,
  ArraySpec,
  check_arrays,
  check_distinct,
  check_range,
  load_array,
  load_arrays,
)
from tests.support.toy_tables import nasbench201_arrays, write_table


def truncated(tmp_path):
  path = write_table(tmp_path / "whole.npz", nasbench201_arrays())
  with open(path, "rb") as file:
    return file.read()[:5000]


@pytest.mark.parametrize("content", [lambda _: b"", lambda _: b"some text\n", truncated], ids=["empty", "text", "cut"])
def test_a_file_that_is_no_npz_is_refused(tmp_path, content):
  path = tmp_path / "t.npz"
  path.write_bytes(content(tmp_path))
  with pytest.raises(ValueError, match=r"t.npz: expected a NumPy .npz file of plain arrays"):
    read_table(str(path))


def test_a_single_array_is_refused(tmp_path):
  np.save(tmp_path / "t.npy", np.zeros([3, 2]))
  with pytest.raises(ValueError, match=r"it holds a single array of shape \[3, 2\]"):
    read_table(str(tmp_path / "t.npy"))


def test_pickled_objects_are_refused(tmp_path, arrays201):
  with pytest.raises(ValueError, match="plain arrays"):
    read_table(write_table(tmp_path / "t.npz", {**arrays201, "ops": arrays201["ops"].astype(object)}))


ARRAYS = {"ops": np.zeros([3, 6], np.uint8), "accuracy": np.array([90.0, 91.0, np.nan]), "names": np.array(["a", "b"])}
SPECS = {
  "ops": ArraySpec(INTEGERS, ("rows", 6)),
  "accuracy": ArraySpec(NUMBERS, ("rows",)),
  "names": ArraySpec(TEXTS, ("names",)),
}


def test_arrays_are_read_by_name(tmp_path):
  loaded = load_arrays(write_table(tmp_path / "t.npz", ARRAYS))
  assert list(loaded) == list(ARRAYS)
  for name, array in ARRAYS.items():
    np.testing.assert_array_equal(loaded[name], array)


def test_arrays_that_fit_are_accepted():
  check_arrays("t.npz", ARRAYS, SPECS)
  check_range("t.npz", ARRAYS, "ops", 0, 0)


@pytest.mark.parametrize(
  "changes, message",
  [
    ({"ops": None, "names": None}, "missing arrays ops, names; found accuracy"),
    ({"ops": np.zeros([3, 6])}, "array ops must hold integers, got float64"),
    ({"names": np.zeros(2)}, "array names must hold texts, got float64"),
    ({"ops": np.zeros([3, 5], int)}, "array ops must have shape [3, 6], got [3, 5]"),
    ({"ops": np.zeros(3, int)}, "array ops must have shape [rows, 6], got [3]"),
    ({"accuracy": np.zeros(4)}, "array accuracy must have shape [3], got [4]"),
  ],
)
def test_arrays_that_do_not_fit_are_refused(changes, message):
  arrays = {name: array for name, array in {**ARRAYS, **changes}.items() if array is not None}
  with pytest.raises(ValueError, match=re.escape(f"t.npz: {message}")):
    check_arrays("t.npz", arrays, SPECS)


def test_the_first_value_out_of_range_is_named_and_nan_is_none():
  with pytest.raises(ValueError, match=r"t.npz: array accuracy must be in \[0, 90\], got 91.0 at \[1\]"):
    check_range("t.npz", ARRAYS, "accuracy", 0, 90)
  with pytest.raises(ValueError, match=r"got nan at \[2\]"):
    check_range("t.npz", ARRAYS, "accuracy", 0, 100)


def test_an_element_that_occurs_twice_is_named():
  check_distinct("t.npz", {"epochs": np.array([4, 12])}, "epochs")
  with pytest.raises(ValueError, match="t.npz: array epochs must have distinct elements, got 12 more than once"):
    check_distinct("t.npz", {"epochs": np.array([4, 12, 12])}, "epochs")


def header(shape, descr="|u1"):
  """Returns the beginning of an array in NumPy's format."""
  stream = io.BytesIO()
  np.lib.format.write_array_header_1_0(stream, {"descr": descr, "fortran_order": False, "shape": shape})
  return stream.getvalue()


def written(array):
  stream = io.BytesIO()
  np.lib.format.write_array(stream, np.asarray(array))
  return stream.getvalue()


def archive(path, arrays, method=zipfile.ZIP_DEFLATED, **members):
  """Writes arrays to an archive, some of them as given bytes."""
  with zipfile.ZipFile(path, "w", method) as file:
    for name, data in {**{name: written(array) for name, array in arrays.items()}, **members}.items():
      file.writestr(f"{name}.npy", data)
  return str(path)


HEADERS = {
  "a shape of 1e12": (header((10**12, 6)), "array ops must have at most 15625 rows, got 1000000000000"),
  "a text of 2 GB": (header((5,), "<U500000000"), "array ops must hold integers"),
  "a negative shape": (header((-15625, 6)), "array ops: its shape is"),
  "objects": (header((15625, 6), "|O"), "array ops: it holds pickled objects"),
  "records": (header((15625, 6), [("a", "<i4")]), "array ops: it holds pickled objects or records"),
  "less than it says": (header((15625, 6)) + bytes(9), "array ops needs 93750 bytes by its shape, and has 9"),
  "more than it says": (header((15625, 6)) + bytes(93751), "array ops needs 93750 bytes by its shape"),
  "nothing": (b"", "array ops: its header is not that of an array"),
  "a header of 4 GB": (b"\x93NUMPY\x02\0\xff\xff\xff\xff{", "array ops: its header is not that of an array"),
  "a nested header": (
    b"\x93NUMPY\x01\0" + struct.pack("<H", 9000) + b"{'descr':" + 8990 * b"-" + b"1",
    "array ops: its header is not that of an array",
  ),
}


@pytest.mark.parametrize("data, message", HEADERS.values(), ids=HEADERS)
def test_a_wrong_header_is_refused_before_data_is_read(tmp_path, arrays201, data, message):
  start, memory = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
  with pytest.raises(ValueError, match=f"t.npz: .*{message}"):
    read_table(archive(tmp_path / "t.npz", arrays201, ops=data))
  assert time.monotonic() - start < 1
  assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 100_000  # Kilobytes.


def test_an_array_that_is_not_needed_is_not_read(tmp_path, arrays201):
  table = read_table(archive(tmp_path / "t.npz", arrays201, extra=header((2**40,), "<f8") + b"not so much"))
  assert len(table) == 15_625


def test_an_encrypted_archive_is_refused(tmp_path, arrays201):
  path = archive(tmp_path / "t.npz", arrays201)
  data = bytearray((tmp_path / "t.npz").read_bytes())
  for place in [found.start() for found in re.finditer(b"PK\x01\x02", data)]:
    data[place + 8] |= 1
  (tmp_path / "t.npz").write_bytes(data)
  with pytest.raises(ValueError, match="t.npz: .* array ops: it is encrypted"):
    read_table(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compression_is_refused(tmp_path, arrays201, method):
  with pytest.raises(ValueError, match="t.npz: .* array ops: it is compressed by method"):
    read_table(archive(tmp_path / "t.npz", arrays201, method))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_arrays_of_one_name_are_refused(tmp_path, arrays201):
  path = archive(tmp_path / "t.npz", arrays201)
  with zipfile.ZipFile(path, "a") as file:
    file.writestr("ops.npy", written(arrays201["ops"]))
  with pytest.raises(ValueError, match=r"t.npz: .* two arrays of one name"):
    read_table(path)


def test_a_changed_byte_is_noticed(tmp_path, arrays201):
  path = archive(tmp_path / "t.npz", arrays201, zipfile.ZIP_STORED)
  data = bytearray((tmp_path / "t.npz").read_bytes())
  data[data.index(b"NUMPY") + 500] ^= 1
  (tmp_path / "t.npz").write_bytes(data)
  with pytest.raises(ValueError, match=r"t.npz: .*CRC"):
    read_table(path)


@pytest.mark.parametrize(
  "array", [np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.arange(6, dtype=">i2").reshape(2, 3)]
)
def test_order_and_bytes_of_an_array_are_respected(tmp_path, array):
  np.save(tmp_path / "a.npy", array)
  np.savez(tmp_path / "a.npz", a=array)
  np.testing.assert_array_equal(load_array(str(tmp_path / "a.npy"), ArraySpec(NUMBERS, (2, 3))), array)
  np.testing.assert_array_equal(load_arrays(str(tmp_path / "a.npz"))["a"], array)


@pytest.mark.parametrize(
  "data, message",
  [
    (b"", "expected a NumPy .npy file"),
    (header((2, 10**12)), "must have shape"),
    (header((2, 3), "|O"), "pickled objects"),
    (header((2, 3)) + bytes(5), "needs 6 bytes by its shape, and has 5"),
    (header((2, 3)) + bytes(7), "needs 6 bytes by its shape"),
    (header((3, 2)) + bytes(6), r"its array must have shape \[2, 3\], got \[3, 2\]"),
    (header((2, 3), "<U1") + bytes(24), "must hold numbers"),
  ],
)
def test_a_file_that_is_not_the_expected_array_is_refused(tmp_path, data, message):
  (tmp_path / "a.npy").write_bytes(data)
  with pytest.raises(ValueError, match=f"a.npy: .*{message}"):
    load_array(str(tmp_path / "a.npy"), ArraySpec(NUMBERS, (2, 3)))
