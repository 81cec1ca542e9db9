import contextlib
import json
import os

import pytest

from nao_tf.runs.embedding_maps import EMBEDDING_MAPS_FILE, EmbeddingMap, read_embedding_maps
from nao_tf.runs.hints import Hint, read_hints
from nao_tf.runs.predictions import PREDICTIONS_FILE, Prediction, read_predictions
from nao_tf.runs.settings import RunDirectoryError
from nao_tf.runs.starts import STARTS_FILE, read_starts
from nao_tf.searches.reading import load
from nao_tf.searches.search_directory import Budget, NothingFound, Reranking, search_in_directory
from nao_tf.strategies.random_search import RandomSearch
from nao_tf.trial import Evaluation
from tests.support.toys import CountingEvaluator, ToySpace


class Fails:
  def evaluate(self, architectures):
    for _ in architectures:
      yield Evaluation.failed("too hard", 0.0)


def run(directory, evaluator=None, *, settings=None, **options):
  space, budget = ToySpace(), options.pop("budget", Budget(6, 3))
  opened = contextlib.nullcontext(evaluator or CountingEvaluator())
  return search_in_directory(
    str(directory),
    settings or {"seed": 0},
    space,
    options.pop("strategy", None) or RandomSearch(space),
    lambda: opened,
    budget=budget,
    progress=options.pop("progress", False),
    **options,
  )


def test_a_search_leaves_its_journal_its_report_and_its_winner(tmp_path):
  seen = []
  best = run(tmp_path, callbacks=[seen.append])
  assert best == load(tmp_path).best and len(seen) == 6 and os.path.exists(tmp_path / "report.html")
  assert json.loads((tmp_path / "best.json").read_text())["trial"] == best.id
  assert run(tmp_path, budget=Budget(8, 3)).reward >= best.reward and len(load(tmp_path).trials) == 8
  with pytest.raises(RunDirectoryError, match="seed was 0, is 1"):
    run(tmp_path, settings={"seed": 1})


class Predicts(RandomSearch):
  def prediction(self, architecture):
    return Prediction(0.25, 0) if self.num_asked > 3 else None

  def embedding_map(self):
    return EmbeddingMap(3, (0.5, 0.25), ((0, (0.0, 0.0)),), ())


def test_what_the_strategy_predicts_is_recorded_and_every_start(tmp_path):
  run(tmp_path, strategy=Predicts(ToySpace()))
  run(tmp_path, strategy=Predicts(ToySpace()))
  assert {3, 4, 5} <= read_predictions(str(tmp_path), load(tmp_path).trials).keys()
  assert len(read_starts(str(tmp_path))) == 2 and len(read_embedding_maps(str(tmp_path))) == 1
  assert "Predictions and rewards" in (tmp_path / "report.html").read_text()


def test_damaged_files_that_are_only_for_the_report_do_not_stop_a_search(tmp_path, caplog):
  run(tmp_path, strategy=Predicts(ToySpace()))
  names = (PREDICTIONS_FILE, EMBEDDING_MAPS_FILE, STARTS_FILE)
  for name in names:
    with open(tmp_path / name, "a") as file:
      file.write("nonsense\n")
  run(tmp_path, strategy=Predicts(ToySpace()), budget=Budget(8, 3))
  assert len(load(tmp_path).trials) == 8 and all(os.path.exists(tmp_path / f"{name}.damaged") for name in names)
  warnings = [record.getMessage() for record in caplog.records]
  assert [sum(name in warning for warning in warnings) for name in names] == [1, 1, 1]
  assert "are missing from this page" not in (tmp_path / "report.html").read_text()


class Broken(RandomSearch):
  def embedding_map(self):
    raise RuntimeError("no map")


def test_a_strategy_that_cannot_draw_its_map_does_not_stop_a_search(tmp_path, caplog):
  run(tmp_path, strategy=Broken(ToySpace()))
  assert len(load(tmp_path).trials) == 6 and "its prediction is not recorded (RuntimeError: no map)" in caplog.text


def test_the_report_links_to_the_description_of_the_winner(tmp_path):
  run(tmp_path)
  assert 'href="best.json"' in (tmp_path / "report.html").read_text()


def test_the_best_are_evaluated_again(tmp_path):
  reranking = Reranking(2, lambda: contextlib.nullcontext(CountingEvaluator()), {"seed": 0})
  best = run(tmp_path, reranking=reranking)
  assert len(load(tmp_path).reranked) == 2 and best == load(tmp_path).best


def test_a_search_without_a_reward_is_an_error(tmp_path):
  with pytest.raises(NothingFound, match="none of 6 trials has a reward; the last one failed .too hard"):
    run(tmp_path, Fails())
  assert not os.path.exists(tmp_path / "best.json") and os.path.exists(tmp_path / "report.html")


def test_a_search_needs_a_budget(tmp_path):
  with pytest.raises(ValueError, match="num_trials, or max_seconds"):
    Budget(None, 3)
  assert run(tmp_path, budget=Budget(None, 3, max_seconds=60)).reward is not None  # The space has an end.


class Told(RandomSearch):
  def hints(self):
    return [Hint("SynFlow", 0.5 if self.num_asked > 3 else 0.0)]


def test_how_far_hints_were_used_is_recorded_as_it_changes(tmp_path):
  run(tmp_path, strategy=Told(ToySpace()))
  assert [(row.after, row.hints[0].weight) for row in read_hints(str(tmp_path))] == [(1, 0.0), (4, 0.5)]
  assert "Warm start and proxies" in (tmp_path / "report.html").read_text()


def test_a_search_that_was_done_before_says_at_its_end_what_is_on_record(tmp_path, capsys):
  run(tmp_path, strategy=Told(ToySpace()))
  run(tmp_path, progress=True)
  assert "SynFlow is used with a weight of 0.50" in "".join(capsys.readouterr())
