import os

import pytest

from nao_tf.training.literal_paths import literal_path


@pytest.mark.parametrize("name", ["a[1]", "a*", "?", "a\\b", "]"])
def test_a_path_with_characters_of_patterns_is_linked_to(tmp_path, name):
  (tmp_path / name).mkdir()
  with literal_path(str(tmp_path / name)) as plain:
    assert not set("*?[]\\") & set(plain) and os.path.samefile(plain, tmp_path / name)
  assert not os.path.lexists(plain)


def test_every_other_path_is_taken_as_it_is(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  with literal_path("50% ü") as plain:
    assert plain == str(tmp_path / "50% ü")
