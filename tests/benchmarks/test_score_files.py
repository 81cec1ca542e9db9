import pytest

from nao_tf.benchmarks.score_files import ScoreFiles
from tests.support.toys import ToySpace

FIRST, SECOND, THIRD = (0, 0, 0, 1), (0, 1, 0, 1), (1, 1, 1, 1)


@pytest.fixture
def space():
  return ToySpace()


def test_scores_are_kept_failed_ones_too(tmp_path, space):
  with ScoreFiles(str(tmp_path), space) as files:
    assert len(files) == 0
    files.add(FIRST, 0.5)
    files.add(SECOND, None)
  with ScoreFiles(str(tmp_path), space) as files:
    assert len(files) == 2 and files[FIRST] == 0.5 and files[SECOND] is None and THIRD not in files


def test_several_write_side_by_side_and_see_what_the_others_added(tmp_path, space):
  with ScoreFiles(str(tmp_path), space) as one, ScoreFiles(str(tmp_path), space) as other:
    one.add(FIRST, 0.5)
    other.add(SECOND, 0.25)
    assert SECOND not in one
    one.refresh()
    assert one[SECOND] == 0.25
  assert sorted(path.name for path in tmp_path.iterdir()) == ["0.jsonl", "1.jsonl"]


def test_a_torn_line_is_dropped_and_its_score_taken_again(tmp_path, space):
  with ScoreFiles(str(tmp_path), space) as files:
    files.add(FIRST, 0.5)
  with open(tmp_path / "0.jsonl", "a") as file:
    file.write('{"architecture": [0, 1')
  with ScoreFiles(str(tmp_path), space) as files:
    files.add(SECOND, 0.25)
  with ScoreFiles(str(tmp_path), space) as files:
    assert files[FIRST] == 0.5 and files[SECOND] == 0.25


@pytest.mark.parametrize(
  "line",
  [
    '{"architecture": [0, 0, 0, 1]}',
    '{"architecture": [0, 0, 0, 1], "score": "high"}',
    '{"architecture": [0, 0, 0, 1], "score": NaN}',
    '{"architecture": [0, 9, 0, 1], "score": 1.0}',
    '{"architecture": [0], "score": 1.0}',
    "[]",
  ],
)
def test_a_line_that_is_no_score_of_the_space_is_named(tmp_path, space, line):
  (tmp_path / "0.jsonl").write_text(line + "\n")
  with pytest.raises(ValueError, match=r"0.jsonl, line 1: not the score of an architecture"):
    ScoreFiles(str(tmp_path), space)
