import sys

import pytest

from nao_tf.serving.exchange import exchange


@pytest.fixture
def pair(tmp_path):
  for name in ("a", "b"):
    (tmp_path / name).mkdir()
    (tmp_path / name / name).touch()
  return tmp_path / "a", tmp_path / "b"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the call")
def test_two_directories_are_exchanged(pair):
  exchange(str(pair[0]), str(pair[1]))
  assert (pair[0] / "b").exists() and (pair[1] / "a").exists()


def test_a_path_that_is_missing_is_an_error_and_nothing_is_changed(pair, tmp_path):
  with pytest.raises(OSError):
    exchange(str(pair[0]), str(tmp_path / "nowhere"))
  assert (pair[0] / "a").exists()


def test_a_system_without_the_call_says_so(pair, monkeypatch):
  monkeypatch.setattr(sys, "platform", "other")
  with pytest.raises(OSError, match="not implemented"):
    exchange(str(pair[0]), str(pair[1]))
