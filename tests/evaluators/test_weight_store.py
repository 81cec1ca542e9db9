import numpy as np
import pytest

from nao_tf.evaluators.weight_store import WeightStore

WEIGHTS = {"a-conv": [np.ones((2, 3), np.float32), np.zeros(3, np.float32)], "b": [np.arange(4.0)]}


@pytest.fixture
def store(tmp_path):
  return WeightStore(str(tmp_path / "weights"))


def test_what_is_saved_can_be_loaded(store):
  store.save((1, 2), WEIGHTS)
  loaded = store.load((1, 2))
  assert list(loaded) == list(WEIGHTS)
  assert all(np.array_equal(*pair) for name in WEIGHTS for pair in zip(WEIGHTS[name], loaded[name]))
  assert store.load((1, 20)) is None


def test_a_damaged_file_counts_as_none(store, tmp_path):
  store.save((1, 2), WEIGHTS)
  (path,) = (tmp_path / "weights").iterdir()
  whole = path.read_bytes()
  for content in (b"", b"PK", whole[: len(whole) // 2], np.array([object()], object).dumps()):
    path.write_bytes(content)
    assert store.load((1, 2)) is None


def test_all_but_some_are_removed(store, tmp_path):
  store.keep_only([])
  for number in range(3):
    store.save((number,), WEIGHTS)
  (tmp_path / "weights" / "mine.txt").write_text("kept")
  store.keep_only([(1,), (7,)])
  assert [store.load((number,)) is None for number in range(3)] == [True, False, True]
  assert (tmp_path / "weights" / "mine.txt").exists()
