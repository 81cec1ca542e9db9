import dataclasses
import math
import os
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
import scipy.stats

from nao_tf.evaluators import evaluator_class
from nao_tf.evaluators.base import EvaluatorError
from nao_tf.evaluators.shared_scores import SharedScores
from nao_tf.evaluators.shared_weights_evaluator import TRAINING_DIRECTORY, SharedWeightsEvaluator, _line_between
from nao_tf.runs.settings import RunDirectoryError
from nao_tf.spaces import make_space
from nao_tf.strategies.random_search import RandomSearch
from nao_tf.supernets.rounds import ROUNDS_FILE
from nao_tf.trial import Evaluation
from tests.support import shared_cases
from tests.support.shared_cases import (
  ROUNDS,
  SHARING,
  SPACE,
  comparable,
  make_task,
  make_trainer,
  sample,
)
from tests.support.without_graphs import without_graphs

pytestmark = pytest.mark.usefixtures("no_graphs")

TRAINING = dataclasses.replace(shared_cases.TRAINING, batch_size=128)  # 2 steps an epoch.


def make_evaluator(directory, sharing=SHARING, *, training=TRAINING, **options):
  return shared_cases.make_evaluator(directory, sharing, training=training, **options)


@pytest.fixture(scope="module")
def after_one_round(tmp_path_factory):
  """Where the directory of `two_rounds` is copied to after its first round, as a process that dies then leaves it."""
  return tmp_path_factory.mktemp("half") / "copy"


@pytest.fixture(scope="module")
def two_rounds(tmp_path_factory, after_one_round):
  """The evaluations of two rounds, two epochs each, and the evaluator."""
  directory = tmp_path_factory.mktemp("whole")
  evaluator = make_evaluator(directory, ROUNDS)
  with without_graphs():
    first = list(evaluator.evaluate(sample(3, 1)))
    shutil.copytree(directory, after_one_round)
    return [first, list(evaluator.evaluate(sample(3, 2)))], evaluator


@pytest.fixture(scope="module")
def one_round(tmp_path_factory):
  """The evaluations of two batches with shared weights that are trained in a single round, and the evaluator."""
  sharing, training = dataclasses.replace(SHARING, pool_size=4), dataclasses.replace(TRAINING, epochs=2)
  evaluator = make_evaluator(tmp_path_factory.mktemp("one"), sharing, training=training)
  with without_graphs():
    return [list(evaluator.evaluate(sample(2, seed))) for seed in (1, 2)], evaluator


def test_the_evaluator_is_registered():
  assert evaluator_class("shared_weights") is SharedWeightsEvaluator


def test_an_evaluation_says_how_it_came_about(two_rounds):
  for number, evaluations in enumerate(two_rounds[0]):
    for evaluation in evaluations:
      metrics = evaluation.metrics
      assert set(metrics) == {"accuracy", "loss", "score", "parameters", "multiply_adds", "round", "epochs"}
      assert metrics["round"] == number and metrics["epochs"] == 2 * number + 2
      assert metrics["score"] == -metrics["loss"] and evaluation.cost_seconds > 0


def test_the_pool_has_the_batch_the_reference_and_the_best_of_before_and_is_filled_up(two_rounds):
  rounds = two_rounds[1]._rounds._rounds
  for round_ in rounds:
    assert len(round_.pool) == 8 and set(round_.batch) < set(round_.pool)
    assert set(two_rounds[1]._reference) < set(round_.pool)
  best = rounds[0].batch[int(np.argmax([evaluation.reward for evaluation in two_rounds[0][0]]))]
  assert best in rounds[1].pool


def test_rewards_of_the_first_round_are_scores_and_others_are_mapped_to_its_scale(two_rounds):
  (first, second), evaluator = two_rounds
  assert all(evaluation.reward == evaluation.metrics["score"] for evaluation in first)
  there, here = (np.array(evaluator._rounds.reference(number)) for number in (0, 1))
  assert len(there) == len(here) == 3
  for evaluation in second:
    standard = (evaluation.metrics["score"] - np.median(here)) / scipy.stats.iqr(here)
    assert evaluation.reward == pytest.approx(np.median(there) + scipy.stats.iqr(there) * standard)


def test_the_scale_is_not_that_of_a_few_that_are_far_out():
  there, rng = np.linspace(-6, -5, 50), np.random.default_rng(0)
  here = rng.permutation(there) / 2 + 1
  assert _line_between(here, there) == pytest.approx((2, -2))
  here[np.argmin(here)], there[3] = -200, -np.inf
  slope, intercept = _line_between(here, there)
  assert slope == pytest.approx(2, abs=0.1) and intercept == pytest.approx(-2, abs=0.1)
  assert _line_between(here, np.full(50, -np.inf)) == (1, 0)


def test_what_a_strategy_draws_with_the_same_seed_is_not_what_the_pool_is_filled_with(tmp_path):
  evaluator = make_evaluator(tmp_path, dataclasses.replace(SHARING, pool_size=40, reference_size=10), seed=5)
  batch = [SPACE.canonical(architecture) for architecture in RandomSearch(SPACE, seed=5).ask(10)]
  pool = evaluator._new_round(batch).pool
  assert len(pool) == len(set(pool)) == 40 and set(batch) < set(pool)
  assert len(set(batch) | set(evaluator._reference)) == 20


def test_after_the_last_epoch_weights_and_scale_stay(two_rounds):
  _, evaluator = two_rounds
  again = list(evaluator.evaluate(sample(3, 3)))
  assert [evaluation.metrics["epochs"] for evaluation in again] == [4, 4, 4]
  assert evaluator._rounds.reference(2) == []
  line = evaluator._line(evaluator._rounds._rounds[1])
  assert again[0].reward == pytest.approx(line[0] * again[0].metrics["score"] + line[1])


def test_one_round_trains_all_at_once_and_leaves_scores_as_they_are(one_round):
  batches, evaluator = one_round
  for evaluation in (evaluation for batch in batches for evaluation in batch):
    assert evaluation.reward == evaluation.metrics["score"] and evaluation.metrics["epochs"] == 2
  assert evaluator._rounds.reference(0) == []


def test_a_score_may_be_the_reward_of_the_task(tmp_path):
  sharing, training = dataclasses.replace(SHARING, score="reward"), dataclasses.replace(TRAINING, epochs=1)
  (evaluation,) = make_evaluator(tmp_path, sharing, training=training).evaluate(sample(1))
  assert evaluation.reward == evaluation.metrics["accuracy"]


def test_all_encodings_have_the_reward_of_the_canonical_one(one_round):
  (architecture,), rng = sample(1), np.random.default_rng(0)
  other = SPACE.random_equivalent(architecture, rng)
  one, two = one_round[1].evaluate([architecture, other])
  assert one.reward == two.reward


def test_what_was_left_when_a_process_died_is_evaluated_as_it_would_have_been(two_rounds, after_one_round):
  (_, second), _ = two_rounds
  cut = make_evaluator(after_one_round, ROUNDS)
  begun = cut.evaluate(sample(3, 2))
  assert comparable([next(begun)])[0][0] == pytest.approx(second[0].reward, abs=1e-3)
  resumed = make_evaluator(after_one_round, ROUNDS)
  rest = list(resumed.evaluate(sample(3, 2)[1:]))
  assert [e.reward for e in rest] == pytest.approx([e.reward for e in second[1:]], abs=1e-3)
  assert len(resumed._rounds) == 2


def test_too_many_parameters_are_a_failure_and_not_trained_on(tmp_path, one_round):
  training = dataclasses.replace(TRAINING, epochs=1)
  architectures = sample(4)
  sizes = [one_round[1].trainer.num_parameters(architecture) for architecture in architectures]
  bound = sorted(sizes)[1]
  evaluator = make_evaluator(tmp_path, training=training, max_parameters=bound)
  evaluations = list(evaluator.evaluate(architectures))
  assert [evaluation.ok for evaluation in evaluations] == [size <= bound for size in sizes]
  assert f"parameters are more than max_parameters, {bound}" in evaluations[int(np.argmax(sizes))].metrics["reason"]
  assert all(evaluator._fits(architecture) for architecture in evaluator._rounds._rounds[0].pool[3:])


def test_divergence_fails_all(tmp_path):
  training = dataclasses.replace(TRAINING, learning_rate=1e30, clip_norm=0.0)
  evaluations = list(make_evaluator(tmp_path, training=training).evaluate(sample(2)))
  assert all("diverged: the loss was" in evaluation.metrics["reason"] for evaluation in evaluations)
  (later,) = make_evaluator(tmp_path, training=training).evaluate(sample(1, 1))
  assert later.metrics["reason"] == evaluations[0].metrics["reason"]


@pytest.mark.parametrize("metrics", [{"loss": math.inf}, {"loss": 800.0, "perplexity": math.inf}, {"loss": math.nan}])
def test_an_architecture_whose_figures_are_no_numbers_fails_alone(one_round, monkeypatch, metrics):
  evaluator, (first, second) = one_round[1], sample(2)
  whole = evaluator.trainer.score
  monkeypatch.setattr(evaluator.trainer, "score", lambda a: metrics if a == first else whole(a))
  failed, ok = evaluator.evaluate([first, second])
  assert "its score with shared weights was" in failed.metrics["reason"] and ok.ok


def test_what_cannot_be_is_refused(tmp_path):
  with pytest.raises(ValueError, match="a search needs a validation set"):
    make_evaluator(tmp_path, task=make_task(validation_fraction=0.0))
  with pytest.raises(ValueError, match="use a search space for images, such as nasnet5"):
    make_evaluator(tmp_path, space=make_space("rnn12"))
  with pytest.raises(ValueError, match="no random architecture has at most max_parameters=3"):
    make_evaluator(tmp_path, max_parameters=3)
  evaluator = make_evaluator(tmp_path)
  with pytest.raises(ValueError, match="position 0"):
    next(evaluator.evaluate([(99,) * len(SPACE.decisions)]))


KILLED = """
import sys
from nao_tf.training.determinism import make_deterministic
from tests.support.shared_cases import *
make_deterministic()
evaluator = make_evaluator(sys.argv[1], ROUNDS)
evaluator._training._checkpoint_seconds = 0.0
done = len(open(sys.argv[2]).read().splitlines()) if len(sys.argv) > 2 else 0
for number, batch in enumerate((sample(3, 1), sample(3, 2))):
  left = batch[max(0, done - 3 * number):] if done < 3 * number + 3 else []
  for evaluation in evaluator.evaluate(left) if left else ():
    with open(sys.argv[2], "a") as file:
      file.write(f"{evaluation.reward!r}\\n")
"""


@pytest.mark.slow
def test_killed_at_any_moment_it_ends_as_if_it_had_not_been(tmp_path):
  """Kills come after random times, some in training, some in evaluation."""
  whole, cut = tmp_path / "whole", tmp_path / "cut"
  for name in (whole, cut):
    name.mkdir()
    (name / "rewards").touch()

  def start(directory):
    return subprocess.Popen([sys.executable, "-c", KILLED, str(directory), str(directory / "rewards")])

  assert start(whole).wait() == 0
  rng, kills = np.random.default_rng(0), 0
  while kills < 8:
    process = start(cut)
    _wait_for_change(cut, process)
    time.sleep(rng.uniform(0, 2))
    if process.poll() is not None:
      break
    process.kill()
    process.wait()
    kills += 1
  assert start(cut).wait() == 0 and kills >= 3
  assert (cut / "rewards").read_text() == (whole / "rewards").read_text()


def _wait_for_change(directory, process):
  """Waits until the process has written something."""
  before = _sizes(directory)
  while process.poll() is None and _sizes(directory) == before:
    time.sleep(0.05)


def _sizes(directory):
  places = [directory / "rewards", directory / ROUNDS_FILE, directory / "supernet" / "checkpoints" / "checkpoint"]
  return [os.stat(place).st_mtime_ns if place.exists() else 0 for place in places]


def test_shared_weights_of_other_settings_are_refused(tmp_path):
  make_evaluator(tmp_path)
  with pytest.raises(RunDirectoryError, match="was made with other settings: seed was 3, is 4"):
    make_evaluator(tmp_path, seed=4)


def elsewhere(directory, sharing, training):
  """Returns what scores as a worker does, with a supernet of its own."""
  worker = SharedScores(make_trainer(sharing, training=training), str(directory / TRAINING_DIRECTORY))
  return lambda architectures: worker.evaluate(architectures)


def test_a_worker_scores_as_the_process_that_trains(tmp_path):
  sharing, training = dataclasses.replace(SHARING, epochs_per_round=1), dataclasses.replace(TRAINING, epochs=2)
  score = elsewhere(tmp_path, sharing, training)
  evaluator = make_evaluator(tmp_path, sharing, training=training, score_elsewhere=score)
  for architectures in (sample(2, 1), sample(2, 2)):
    for architecture, evaluation in zip(architectures, evaluator.evaluate(architectures), strict=True):
      for name, figure in evaluator.trainer.score(architecture).items():
        assert evaluation.metrics[name] == pytest.approx(figure, rel=1e-5)
  assert evaluator.scores(sample(2, 2)) == pytest.approx([evaluator.score(a) for a in sample(2, 2)], rel=1e-5)


def test_an_architecture_that_a_worker_cannot_score_fails_and_no_other(tmp_path):
  def score(architectures):
    yield Evaluation.failed("took longer than 3 seconds")
    yield from (Evaluation(0.0, 0.0, {"loss": str(loss), "accuracy": "0.5"}) for loss in (1.5, math.inf))

  training = dataclasses.replace(TRAINING, epochs=1)
  evaluator = make_evaluator(tmp_path, training=training, score_elsewhere=score)
  first, second, third = evaluator.evaluate(sample(3))
  assert first.metrics == {"reason": "took longer than 3 seconds"} and second.reward == -1.5
  assert third.metrics["reason"] == "its score with shared weights was -inf"
  assert np.isnan(evaluator.scores(sample(3))).tolist() == [True, False, False]


def test_a_worker_scores_with_no_other_weights(two_rounds, tmp_path):
  _, evaluator = two_rounds
  worker = SharedScores(evaluator.trainer, str(tmp_path))
  with pytest.raises(EvaluatorError, match="expected shared weights after 7 steps, got those after 8;"):
    list(worker.evaluate([(7, *sample(1)[0])]))
