import contextlib
import json

import pytest

from nao_tf.reports import REPORT_FILE
from nao_tf.runs.journal import read_trials
from nao_tf.runs.settings import RunDirectoryError
from nao_tf.searches.one_shot.running import TRAINING, finalists, run_one_shot_search
from nao_tf.searches.search_directory import Reranking
from nao_tf.supernets.relaxed.config import PRESETS
from nao_tf.trial import Evaluation
from tests.supernets.relaxed.test_relaxed_trainer import SPACE, make_trainer
from tests.support.events import assert_curves_are_those_of_the_journal, scalars
from tests.support.told import figures

SETTINGS = {"space": SPACE.name, "seed": 3}


def search(directory, trainer, **options):
  return run_one_shot_search(str(directory), SETTINGS, SPACE, trainer, **options)


pytestmark = pytest.mark.usefixtures("deterministic_operations", "no_graphs_in_the_module")
# A search here has four steps, and every test would trace its own.


@pytest.fixture(scope="module")
def whole(tmp_path_factory, deterministic_operations, no_graphs_in_the_module):
  directory = tmp_path_factory.mktemp("gradients") / "run"
  return directory, search(directory, make_trainer(PRESETS["darts_first"]))


def test_each_epoch_is_a_trial_and_the_last_one_wins(whole):
  directory, winner = whole
  trials = read_trials(str(directory))
  assert [trial.id for trial in trials] == [0, 1] and winner == trials[-1]
  assert trials[1].reward == trials[1].evaluation.metrics["accuracy"]
  assert {"entropy", "normal_identities", "temperature"} <= set(trials[0].evaluation.metrics)
  assert json.loads((directory / "best.json").read_text())["trial"] == 1
  assert (directory / REPORT_FILE).exists()


@pytest.mark.parametrize("moment", ["between steps", "before the journal"])
def test_a_search_that_was_killed_goes_on_to_the_same_trials(whole, tmp_path, monkeypatch, moment):
  trainer = make_trainer(PRESETS["darts_first"])
  original = type(trainer)._train_epoch

  def die(self, number, on_step):
    if number == 2:
      raise KeyboardInterrupt
    return original(self, number, on_step)

  if moment == "between steps":
    monkeypatch.setattr(type(trainer), "_train_epoch", die)
  else:
    monkeypatch.setattr("nao_tf.runs.journal.Journal.append_asked", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
  with pytest.raises(KeyboardInterrupt):
    search(tmp_path / "run", trainer)
  monkeypatch.undo()
  search(tmp_path / "run", make_trainer(PRESETS["darts_first"]))
  assert figures(tmp_path / "run") == figures(whole[0])
  assert_curves_are_those_of_the_journal(tmp_path / "run", read_trials(str(tmp_path / "run")))


def test_tensorboard_shows_each_epoch_once_with_the_figures_of_its_trial(whole):
  directory, _ = whole
  assert_curves_are_those_of_the_journal(directory, read_trials(str(directory)))
  shown = {"train_loss", "valid_loss", "valid_accuracy", "entropy", "normal_identities", "reduction_identities"}
  assert {*shown, "temperature", "learning_rate"} <= set(scalars(directory / TRAINING / "tensorboard"))


def test_other_settings_are_refused(whole):
  with pytest.raises(RunDirectoryError, match="seed"):
    run_one_shot_search(str(whole[0]), {**SETTINGS, "seed": 4}, SPACE, make_trainer(PRESETS["darts_first"]))


class Shortest:
  """An evaluator that prefers small numbers."""

  def evaluate(self, architectures):
    for architecture in architectures:
      yield Evaluation(-float(sum(architecture)))


def test_the_finalists_architectures_are_ranked_again(whole):
  trials = read_trials(str(whole[0]))
  chosen = finalists(trials, SPACE, 5)
  assert chosen[0] == trials[-1] and len({SPACE.canonical(trial.architecture) for trial in chosen}) == len(chosen)
  reranking = Reranking(2, lambda: contextlib.nullcontext(Shortest()), {"child": 1})
  winner = search(whole[0], make_trainer(PRESETS["darts_first"]), reranking=reranking)
  assert winner.reward == max(-float(sum(trial.architecture)) for trial in chosen[:2])
  assert (whole[0] / TRAINING / "history.jsonl").exists()
