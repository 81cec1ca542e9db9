import itertools

import pytest

from nao_tf.runs.embedding_maps import EMBEDDING_MAPS_FILE, EmbeddingMap, EmbeddingMaps, Move, read_embedding_maps

MOVE = Move(3, 0.5, (0, 1, 2), True, ((0.0, 0.5), (0.25, 0.5), (0.5, 1.0)))


def map_after(number):
  return EmbeddingMap(number, (0.5, 0.25), ((3, (0.0, 0.5)),), (MOVE, MOVE._replace(seed=None, is_proposal=False)))


def record(directory, *maps):
  file = EmbeddingMaps(str(directory))
  for map_ in maps:
    file.add(map_)
  file.close()


def test_maps_are_read_as_they_were_written(tmp_path):
  assert read_embedding_maps(str(tmp_path)) == []
  record(tmp_path, map_after(20), map_after(30))
  assert read_embedding_maps(str(tmp_path)) == [map_after(20), map_after(30)]


def test_a_map_is_recorded_once_also_when_a_search_goes_on(tmp_path):
  record(tmp_path, map_after(20), map_after(20))
  record(tmp_path, map_after(20), map_after(30))
  assert [map_.asked_before for map_ in read_embedding_maps(str(tmp_path))] == [20, 30]


def test_the_file_grows_with_the_logarithm_of_the_number_of_trials(tmp_path):
  record(tmp_path, *(map_after(number) for number in range(20, 5000)))
  numbers = [map_.asked_before for map_ in read_embedding_maps(str(tmp_path))]
  assert len(numbers) < 115 and all(after >= 1.05 * before for before, after in itertools.pairwise(numbers))


def test_a_damaged_file_is_an_error_for_readers_and_set_aside_by_a_search(tmp_path, caplog):
  (tmp_path / EMBEDDING_MAPS_FILE).write_text('{"asked_before": 1}\n')
  with pytest.raises(ValueError, match=f"{EMBEDDING_MAPS_FILE}, line 1: not a map of an embedding space"):
    read_embedding_maps(str(tmp_path))
  record(tmp_path, map_after(20))
  assert read_embedding_maps(str(tmp_path)) == [map_after(20)] and len(caplog.records) == 1
