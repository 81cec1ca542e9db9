import json

import pytest
import tensorflow as tf

from nao_tf.tuner.project_files import absolute_path, is_remote, read_project_file, write_project_file
from tests.support.tuner_cases import open_oracle, run, values_of


@pytest.fixture(params=["local", "remote"])
def directory(request, tmp_path):
  """A directory on disk, and one that only TensorFlow's file functions can reach."""
  return str(tmp_path) if request.param == "local" else f"ram://{tmp_path}"


def read(path):
  with tf.io.gfile.GFile(path) as file:
    return json.load(file)


def test_what_was_written_is_read_and_replaced(directory):
  path = f"{directory}/state.json"
  for value in ({"a": [1, None, "ä"]}, {"b": 0.1}):
    write_project_file(path, value)
    assert read(path) == value
  assert tf.io.gfile.glob(f"{directory}/*") == [path]


def test_what_cannot_be_written_leaves_the_old_file(directory):
  path = f"{directory}/state.json"
  write_project_file(path, 1)
  with pytest.raises(TypeError):
    write_project_file(path, {"a": object()})
  assert read(path) == 1


def test_paths_with_a_scheme_are_remote():
  assert is_remote("gs://bucket/project") and not is_remote("/tmp/project") and not is_remote("project")


def test_a_path_means_the_same_wherever_the_process_goes(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  assert absolute_path("runs/a[1]/") == str(tmp_path / "runs" / "a[1]")
  assert absolute_path(tmp_path) == str(tmp_path) and absolute_path("gs://bucket/runs") == "gs://bucket/runs"


def test_a_project_is_resumed_wherever_its_directory_is(directory, tmp_path):
  run(open_oracle(directory), 3)
  resumed = open_oracle(directory)
  run(resumed, 3)
  assert values_of(resumed) == run(open_oracle(tmp_path / "whole"), 6)


def test_what_was_written_is_read_back(directory):
  value = {"a": [1, None, "ä"], "metric": float("inf")}
  write_project_file(f"{directory}/state.json", value)
  assert read_project_file(f"{directory}/state.json") == value


@pytest.mark.parametrize("content", ["", "{", "[" * 1000, "1" * 100])
def test_what_is_no_json_is_refused_with_the_name_of_the_file(directory, content):
  path = f"{directory}/state.json"
  with tf.io.gfile.GFile(path, "w") as file:
    file.write(content)
  with pytest.raises(ValueError, match="state.json"):
    read_project_file(path)
  with pytest.raises(ValueError, match="other.json: there is no such file"):
    read_project_file(f"{directory}/other.json")
