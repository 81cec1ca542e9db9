"""A run is taken up by its work directory alone."""

import json
import os

import pytest
from absl import flags

from nao_tf.runs.journal import Journal
from nao_tf.runs.settings import RunDirectoryError, check_settings
from nao_tf.tools import recorded_flags, search, search_flags, train, tune
from nao_tf.trial import Evaluation, Trial

SEARCH = [
  "--strategy=evolution",
  "--evolution_population_size=7",
  "--evolution_tournament_size=3",
  "--nochild_auxiliary",
  "--child_epochs=3",
]


def parsed(argv, tool=search):
  values = flags.FlagValues()
  tool.define_flags(values)
  values(list(argv))
  return values


def taken_up(*argv):
  return recorded_flags.taken_up("search", ["nao-search", *argv])


@pytest.fixture
def begun(tmp_path):
  """A search with one finished trial."""
  values = parsed(["nao-search", f"--workdir={tmp_path}", "--num_trials=9", *SEARCH])
  recorded_flags.record("search", values)
  with Journal(str(tmp_path), search.settings(values)) as journal:
    journal.append_asked([Trial(0, (0,) * 40)])
    journal.append_closed(Trial(0, (0,) * 40).close(Evaluation(0.5)))
  return tmp_path


def test_a_search_goes_on_with_the_flags_it_was_begun_with(begun):
  values = parsed(taken_up(f"--workdir={begun}"))
  assert (values.num_trials, values.evolution_population_size, values.child_auxiliary) == (9, 7, False)
  with Journal(str(begun), search.settings(values)) as journal:
    assert len(journal.trials) == 1


def test_flags_may_be_added(begun):
  values = parsed(taken_up(f"--workdir={begun}", "--num_trials=20", "--train_best", "--best_epochs=5"))
  assert (values.num_trials, values.train_best, values.best_epochs) == (20, True, 5)
  assert search.settings(values) == search.settings(parsed(taken_up(f"--workdir={begun}")))


@pytest.mark.parametrize(
  "flag, is_other",
  [("--nao_preset=rounds", True), ("--nao_controller=nao_cnn", True), ("--nao_preset=default", False)],
)
def test_another_preset_is_not_hidden_by_the_settings_of_the_run(tmp_path, flag, is_other):
  values = parsed(["nao-search", f"--workdir={tmp_path}", "--space=nasnet5", "--strategy=nao"])
  recorded_flags.record("search", values)
  with Journal(str(tmp_path), search.settings(values)) as journal:
    journal.append_asked([Trial(0, (0,) * 40)])
    journal.append_closed(Trial(0, (0,) * 40).close(Evaluation(0.5)))
  settings = search.settings(parsed(taken_up(f"--workdir={tmp_path}", flag)))
  assert (settings != search.settings(values)) is is_other


def test_settings_are_enough_for_a_search_of_an_earlier_version(begun):
  (begun / "command.json").unlink()
  values = parsed(taken_up(f"--workdir={begun}"))
  with Journal(str(begun), search.settings(values)) as journal:
    assert len(journal.trials) == 1


def test_a_setting_that_changes_is_refused_as_the_only_one(begun):
  values = parsed(taken_up(f"--workdir={begun}", "--child_epochs=4"))
  with pytest.raises(RunDirectoryError, match="settings: training.epochs was 3, is 4;"):
    Journal(str(begun), search.settings(values))


@pytest.mark.parametrize(
  ("argv", "hint"),
  [
    (["--child_epochs=4"], "--child_epochs=3, or --workdir=DIR alone"),
    (["--child_auxiliary", "--evolution_population_size=8"], "--nochild_auxiliary --evolution_population_size=7, or"),
    (["--max_parameters=5"], "--workdir=DIR alone"),
    (["--strategy=random"], "--evolution_population_size=7 --evolution_tournament_size=3 --strategy=evolution, or"),
  ],
)
def test_an_error_about_settings_says_what_to_give(begun, argv, hint):
  values = parsed(taken_up(f"--workdir={begun}", *argv))
  with pytest.raises(RunDirectoryError, match="; to resume, pass " + hint.replace("DIR", str(begun))):
    recorded_flags.check_search("search", str(begun), search.settings(values))


def test_flags_that_are_refused_are_not_recorded(begun):
  before = (begun / "command.json").read_text()
  argv = taken_up(f"--workdir={begun}", "--max_parameters=5")
  with pytest.raises(RunDirectoryError, match="to resume, pass --workdir="):
    search.main(parsed(argv))
  assert (begun / "command.json").read_text() == before and parsed(
    taken_up(f"--workdir={begun}")
  ).max_parameters is None


@pytest.fixture
def begun_epoch(tmp_path):
  """A search by SNAS on the space of earlier versions, with a checkpoint within its first epoch."""
  values = parsed(["nao-search", f"--workdir={tmp_path}", "--strategy=snas", "--space=darts"])
  recorded_flags.record("search", values)
  Journal(str(tmp_path), search.settings(values)).close()
  (tmp_path / "one_shot" / "checkpoints").mkdir(parents=True)
  (tmp_path / "one_shot" / "checkpoints" / "ckpt-1.index").touch()
  check_settings(str(tmp_path / "one_shot"), search.settings(values))
  return tmp_path


@pytest.mark.parametrize("lost", [False, True])
def test_a_one_shot_search_is_bound_by_a_checkpoint_within_its_first_epoch(begun_epoch, lost):
  if lost:
    (begun_epoch / "command.json").unlink()
  argv = taken_up(f"--workdir={begun_epoch}", "--strategy=snas")
  assert parsed(argv).space == "darts"
  recorded_flags.check_search("search", str(begun_epoch), search.settings(parsed(argv)))
  values = parsed([*argv, "--space=snas"])
  message = f"space was 'darts', is 'snas'; .*; to resume, pass --space=darts, or --workdir={begun_epoch} alone"
  with pytest.raises(RunDirectoryError, match=message):
    recorded_flags.check_search("search", str(begun_epoch), search.settings(values))


def test_a_search_without_a_finished_trial_binds_nobody(tmp_path):
  recorded_flags.record("search", parsed(["nao-search", f"--workdir={tmp_path}", *SEARCH]))
  assert parsed(taken_up(f"--workdir={tmp_path}")).strategy == "evolution"
  assert parsed(taken_up(f"--workdir={tmp_path}", "--child_epochs=4")).strategy == "nao"


def test_a_new_directory_and_one_of_another_command(begun, tmp_path):
  assert taken_up(f"--workdir={tmp_path}/new") == ["nao-search", f"--workdir={tmp_path}/new"]
  with pytest.raises(RunDirectoryError, match="is the work directory of nao-search"):
    recorded_flags.taken_up("train", ["nao-train", f"--workdir={begun}"])


def test_it_is_said_that_there_is_nothing_to_resume(begun, tmp_path, capsys):
  taken_up(f"--workdir={tmp_path}/typo", "--num_trials=5")
  assert capsys.readouterr().err == (
    f"{tmp_path}/typo: nothing to resume here; starting a new run with the default settings\n"
  )
  taken_up(f"--workdir={begun}", "--num_trials=5")
  taken_up(f"--workdir={tmp_path}/new", "--strategy=random")
  assert not capsys.readouterr().err


def test_paths_do_not_depend_on_the_current_directory(tmp_path, monkeypatch):
  (tmp_path / "data").mkdir()
  monkeypatch.chdir(tmp_path)
  values = parsed(["nao-train", "--workdir=w", "--data_dir=data", "--architecture=NAONet-WS"], train)
  assert recorded_flags.given(values) == [f"--data_dir={tmp_path}/data", "--architecture=NAONet-WS"]


def test_a_path_that_is_no_unicode_is_left_out_of_the_record_which_can_be_read(tmp_path):
  images = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")
  argv = ["nao-train", f"--workdir={tmp_path}", "--architecture=NAONet-WS", "--task=folder"]
  recorded_flags.record("train", parsed([*argv, f"--image_dir={images}"], train))
  assert set(recorded_flags.of("train", str(tmp_path))) == {"--architecture=NAONet-WS", "--task=folder"}
  recorded_flags.record("train", parsed([*argv, "--image_dir=café"], train))
  assert "--image_dir=café" in recorded_flags.of("train", str(tmp_path))


@pytest.mark.parametrize("content", ["{", "[]", json.dumps({"command": "search", "flags": [1]})])
def test_a_damaged_record_is_named(tmp_path, content):
  (tmp_path / "command.json").write_text(content)
  with pytest.raises(RunDirectoryError, match=r"command\.json: not the flags of a run"):
    taken_up(f"--workdir={tmp_path}")


def test_the_budget_on_record(begun, tmp_path):
  assert recorded_flags.count(str(begun), "num_trials") == 9
  assert recorded_flags.count(str(tmp_path / "none"), "num_trials") is None


TUNE = [*SEARCH[:3], "--executions_per_trial=2", "--child_epochs=3"]


@pytest.fixture
def tuned(tmp_path):
  """The work directory of a search through KerasTuner that has begun a trial."""
  values = parsed(["nao-tune", f"--workdir={tmp_path}", "--num_trials=9", *TUNE], tune)
  recorded_flags.record("tune", values)
  check_settings(str(tmp_path), search_flags.settings(values, "executions_per_trial", "max_retries_per_trial"))
  (tmp_path / "tuner" / "trial_0").mkdir(parents=True)
  return tmp_path


@pytest.mark.parametrize("lost", ["", "command.json"])
def test_a_search_through_keras_tuner_goes_on_with_the_flags_it_was_begun_with(tuned, lost):
  if lost:
    (tuned / lost).unlink()
  argv = recorded_flags.taken_up("tune", ["nao-tune", f"--workdir={tuned}", "--num_trials=20"])
  values = parsed(argv, tune)
  assert (values.num_trials, values.evolution_population_size, values.executions_per_trial) == (20, 7, 2)
  check_settings(str(tuned), search_flags.settings(values, "executions_per_trial", "max_retries_per_trial"))


def test_a_search_through_keras_tuner_is_taken_up_by_no_other_command(tuned):
  with pytest.raises(RunDirectoryError, match="is the work directory of nao-tune"):
    taken_up(f"--workdir={tuned}")


def test_a_search_through_keras_tuner_that_has_begun_no_trial_binds_nobody(tuned):
  (tuned / "tuner" / "trial_0").rmdir()
  argv = recorded_flags.taken_up("tune", ["nao-tune", f"--workdir={tuned}", "--child_epochs=4"])
  assert parsed(argv, tune).strategy == "nao"


def test_who_wants_no_tensorboard_may_say_so_of_a_run_on_record(begun):
  assert parsed(taken_up(f"--workdir={begun}", "--tensorboard=none")).tensorboard == "none"
