"""A search in TensorBoard, read back with TensorBoard's own readers."""

import contextlib
import os
import shutil

import pytest

from nao_tf.reports.board import trial_runs
from nao_tf.runs.predictions import Prediction
from nao_tf.searches.reading import load
from nao_tf.searches.search_directory import Budget, search_in_directory
from nao_tf.spaces.nasbench201 import Nasbench201Space
from nao_tf.strategies.random_search import RandomSearch
from nao_tf.training.base import Epoch
from nao_tf.trial import Evaluation
from tests.support.events import accumulator, scalars
from tests.support.toys import CountingEvaluator, ToySpace


class Trains(CountingEvaluator):
  """Evaluates as `CountingEvaluator` does, and says that it trains for two epochs."""

  def watch(self, on_epoch):
    self._on_epoch = on_epoch

  def score(self, architecture):
    for number in (1, 2):
      self._on_epoch(Epoch(number, 2, {"epoch": number, "train_loss": 2.0 / number, "learning_rate": 0.1}))
    return super().score(architecture)


class Learns(RandomSearch):
  """Predicts the first choice, and reports how many architectures it has been asked for."""

  def prediction(self, architecture):
    return Prediction(float(architecture[0] == 1), 0)

  def figures(self):
    return {"temperature": self.num_asked / 2}


def search(directory, num_trials=6, *, space=None, evaluator=None, strategy=Learns, **options):
  space = space or ToySpace()
  opened = contextlib.nullcontext(evaluator or Trains())
  budget = Budget(num_trials, 3)
  options = {"progress": False, **options}
  return search_in_directory(str(directory), {}, space, strategy(space), lambda: opened, budget=budget, **options)


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
  directory = tmp_path_factory.mktemp("searched") / "run"
  search(directory)
  return directory


def test_the_search_has_its_curves_over_the_number_of_closed_trials(searched):
  trials, shown = load(searched).trials, scalars(searched / "tensorboard")
  rewards = [trial.reward for trial in trials]
  assert [step for step, _ in shown["search/seconds"]] == [1, 2, 3, 4, 5, 6]
  assert shown["search/reward"] == [(i, pytest.approx(x)) for i, x in enumerate(rewards, start=1) if x is not None]
  assert shown["search/best"][-1] == (6, pytest.approx(load(searched).best.reward))
  assert shown["search/failures"][-1][1] == rewards.count(None)
  scored = [x for x in rewards[:3] if x is not None]
  assert shown["round/mean"][0] == (3, pytest.approx(sum(scored) / len(scored)))
  assert [step for step, _ in shown["round/best"]] == [3, 6]
  assert shown["strategy/temperature"] == [(1, 1.5), (4, 3.0)]


def test_each_trial_has_its_curves_and_its_reward(searched):
  for trial in load(searched).trials:
    shown = scalars(searched / "trials" / str(trial.id))
    assert shown["train_loss"] == [(1, 2.0), (2, 1.0)] and "epoch" not in shown
    assert shown["learning_rate"] == [(1, pytest.approx(0.1)), (2, pytest.approx(0.1))]
    assert shown.get("reward") == (None if trial.reward is None else [(2, pytest.approx(trial.reward))])


def everything(directory):
  runs = [directory / "tensorboard", *(directory / "trials").iterdir()]
  return {run.name: scalars(run) for run in runs}


def test_a_search_that_goes_on_adds_what_is_new_and_nothing_else(searched, tmp_path):
  shutil.copytree(searched, tmp_path / "run")
  before = everything(tmp_path / "run")
  search(tmp_path / "run")
  assert everything(tmp_path / "run") == before
  search(tmp_path / "run", 9)
  search(tmp_path / "whole", 9)
  after, whole = everything(tmp_path / "run"), everything(tmp_path / "whole")
  for run in (after, whole):
    for shown in run.values():  # They take what they take.
      shown.pop("search/seconds", None), shown.pop("evaluation_seconds", None)
  assert after == whole


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.97, 1.0])
def test_what_a_killed_process_did_not_write_is_made_up_for(searched, tmp_path, share):
  shutil.copytree(searched, tmp_path / "run")
  (path,) = (tmp_path / "run" / "tensorboard").iterdir()
  content = path.read_bytes()
  path.write_bytes(content[: int(len(content) * share)])
  with open(tmp_path / "run" / "trials.jsonl", "rb+") as file:  # The last trial was not closed.
    file.truncate(file.read().rstrip(b"\n").rfind(b"\n") + 1)
  search(tmp_path / "run")
  shown, before = scalars(tmp_path / "run" / "tensorboard"), scalars(searched / "tensorboard")
  for tag in ("search/reward", "search/best", "search/failures", "round/mean", "round/best"):
    assert shown[tag] == before[tag], tag
  assert scalars(tmp_path / "run" / "trials" / "5")["train_loss"] == [(1, 2.0), (2, 1.0)]


def test_a_search_that_begins_anew_forgets_the_curves_of_the_one_before(searched, tmp_path):
  shutil.copytree(searched, tmp_path / "run")
  os.remove(tmp_path / "run" / "trials.jsonl")
  search(tmp_path / "run", 3, evaluator=CountingEvaluator())
  assert len(scalars(tmp_path / "run" / "tensorboard")["search/seconds"]) == 3
  assert "train_loss" not in scalars(tmp_path / "run" / "trials" / "0")


def test_the_best_cells_are_images_that_are_drawn_once(tmp_path):
  space = Nasbench201Space()
  for _ in range(2):
    search(tmp_path, 5, space=space, evaluator=CountingEvaluator())
  reader = accumulator(tmp_path / "tensorboard")
  assert reader.Tags()["images"] == [f"best cells/{place}" for place in (1, 2, 3)]
  (image,) = reader.Images("best cells/1")
  assert image.step == 5 and image.encoded_image_string.startswith(b"\x89PNG") and image.width > 100


def test_nothing_is_written_if_nobody_wants_it(tmp_path):
  search(tmp_path, 3, tensorboard=False)
  assert not os.path.exists(tmp_path / "tensorboard") and not os.path.exists(tmp_path / "trials")


def test_quick_trials_have_runs_of_their_own_up_to_a_number(tmp_path, monkeypatch):
  monkeypatch.setattr(trial_runs, "MOST_RUNS", 2)
  search(tmp_path, 4, evaluator=CountingEvaluator())
  assert sorted(os.listdir(tmp_path / "trials")) == ["0", "1"]
  assert len(scalars(tmp_path / "tensorboard")["search/seconds"]) == 4


def test_a_board_that_cannot_be_written_does_not_end_the_search(tmp_path, caplog):
  (tmp_path / "tensorboard").write_text("a file")
  assert search(tmp_path).reward is not None
  assert caplog.text.count("logging for TensorBoard stopped (") == 1


class Begins(Trains):
  """Its first training begins twice, as that of a trial whose worker was lost."""

  def score(self, architecture):
    self._on_epoch(Epoch(1, 2, {"train_loss": 9.0}))
    return super().score(architecture)


def test_the_curves_of_a_training_that_begins_again_do_so_too(tmp_path):
  search(tmp_path, 1, evaluator=Begins())
  assert scalars(tmp_path / "trials" / "0")["train_loss"] == [(1, 2.0), (2, 1.0)]


class Fails:
  def evaluate(self, architectures):
    return [Evaluation.failed("too hard") for _ in architectures]


def test_failures_are_counted(tmp_path):
  with pytest.raises(RuntimeError, match="none of 3 trials"):
    search(tmp_path, 3, evaluator=Fails())
  assert scalars(tmp_path / "tensorboard")["search/failures"] == [(1, 1.0), (2, 2.0), (3, 3.0)]
