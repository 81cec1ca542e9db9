import os

import pytest

from nao_tf.runs.settings import (
  RunDirectoryError,
  changed_settings,
  check_settings,
  read_settings,
  refuse_changes,
  without_additions,
  write_json,
)

SETTINGS = {"space": "nasnet5", "seed": 1, "sizes": (1, 2)}


def test_the_same_settings_are_accepted_again(tmp_path):
  check_settings(str(tmp_path), SETTINGS)
  check_settings(str(tmp_path), SETTINGS)
  assert read_settings(str(tmp_path)) == {**SETTINGS, "sizes": [1, 2]}


@pytest.mark.parametrize(
  "change, message",
  [({"seed": 2}, "seed was 1, is 2"), ({"extra": 5}, "extra was None, is 5"), ({"sizes": (1,)}, r"sizes was \[1, 2\]")],
)
def test_other_settings_are_refused_and_named(tmp_path, change, message):
  check_settings(str(tmp_path), SETTINGS)
  with pytest.raises(RunDirectoryError, match=message):
    check_settings(str(tmp_path), {**SETTINGS, **change})


def test_settings_of_another_strategy_are_not_listed():
  nao = {"strategy": "nao", "seed": 0, "options.ensemble_size": 3, "options.round_size": 1}
  evolution = {"strategy": "evolution", "seed": 1, "options.population_size": 50}
  assert changed_settings(nao, evolution) == "seed was 0, is 1; strategy was 'nao', is 'evolution'"
  assert changed_settings(nao, {**nao, "options.round_size": 2}) == "options.round_size was 1, is 2"
  assert changed_settings(nao, {**nao, "options.growth": 2}) == "options.growth was None, is 2"
  assert changed_settings({"seed": 0}, {"seed": 0, "task": "digits"}) == "task was None, is 'digits'"


@pytest.mark.parametrize(
  ("name", "flag"), [("images", "--image_dir"), ("text", "--text_dir"), ("warm_start", "--warm_start")]
)
def test_files_that_differ_are_told_by_their_flag_without_their_digests(name, flag):
  before, now = {"seed": 0, name: "52387a92"}, {"seed": 0, name: "2be9b119"}
  changed = f"files of {flag} were added, removed or changed since, or it is another one"
  with pytest.raises(
    RunDirectoryError, match=f"^w was made with other data: {changed}; restore them or choose another dir"
  ):
    refuse_changes("w", before, now)
  message = f"^w was made with other settings: .*{changed}.*; use the old settings or choose another directory$"
  with pytest.raises(RunDirectoryError, match=message):
    refuse_changes("w", before, {**now, "seed": 1})
  with pytest.raises(RunDirectoryError, match=f"^w was made with other settings: {name} was None, is '2be9b119'; use"):
    refuse_changes("w", {"seed": 0}, now)


def test_images_are_not_said_to_differ_if_it_is_their_kind_of_digest():
  before, now = {"images": "1", "photographs": None}, {"images": "2", "photographs": True}
  assert changed_settings(before, now) == "photographs was None, is True"


def test_settings_that_are_not_json_are_refused(tmp_path):
  (tmp_path / "config.json").write_text("{")
  with pytest.raises(RunDirectoryError, match="not the settings"):
    check_settings(str(tmp_path), SETTINGS)


def test_a_directory_without_settings_is_an_error(tmp_path):
  with pytest.raises(RunDirectoryError, match=r"no config\.json"):
    read_settings(str(tmp_path))


def test_what_cannot_be_written_leaves_the_old_file(tmp_path):
  path = str(tmp_path / "value.json")
  write_json(path, {"a": 1})
  with pytest.raises(TypeError):
    write_json(path, {"a": object()})
  assert os.path.getsize(path) == len('{\n  "a": 1\n}\n')


def test_settings_of_trainings_that_came_later_do_not_change_older_runs(tmp_path):
  old = {"training.label_smoothing": 0.1, "child_training.segment_deviation": 5.0, "seed": 1}
  added = {"training.accumulate_steps": 1, "training.average_weights": "none", "child_training.mixed_precision": "none"}
  check_settings(str(tmp_path), old)
  refuse_changes(str(tmp_path), old, {**read_settings(str(tmp_path)), **added})
  with pytest.raises(RunDirectoryError, match="training.accumulate_steps was 1, is 4"):
    check_settings(str(tmp_path), {**read_settings(str(tmp_path)), "training.accumulate_steps": 4})
  assert without_additions({**old, **added}) == old
  assert without_additions({**old, "training.accumulate_steps": 2}) != old


def test_a_training_without_the_settings_that_came_later_goes_on(tmp_path):
  earlier = {"training.crop_padding": None, "training.epochs": 5}
  write_json(str(tmp_path / "config.json"), earlier)
  later = {"decay_rate": 0.97, "decay_epochs": 1, "color_jitter": 0.0, "hue_jitter": 0.0, "rho": None, "epsilon": None}
  check_settings(str(tmp_path), {**earlier, **{f"training.{name}": value for name, value in later.items()}})
  with pytest.raises(RunDirectoryError, match="training.color_jitter was 0.0, is 0.4"):
    check_settings(str(tmp_path), {**earlier, "training.color_jitter": 0.4})
