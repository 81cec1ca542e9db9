import copy
import html
import os
import shutil
import sys
import time
import types

import numpy as np
import pytest
import tensorflow as tf

import nao_tf
from nao_tf.runs.settings import RunDirectoryError
from nao_tf.searches.search_directory import NothingFound
from nao_tf.serving.image_export import load_exported
from nao_tf.strategies.random_search import RandomSearch
from nao_tf.trial import Evaluation, Trial
from tests.support import shapes, toy_text
from tests.support.tiny_cells import TINY, FirstChoice, TinyCells
from tests.support.toys import ToySpace
from tests.support.without_graphs import without_graphs

SETTINGS = {"space": "tests.support.tiny_cells:TinyCells", "strategy": "random", "verbose": 0, **TINY}
SIZES = {"num_cells": 1, "filters": 4, "auxiliary": False, "input_shape": (16, 16, 3), "num_classes": 2}
IMAGES, NAMES = shapes.shape_arrays(60)


class AllFail:
  def evaluate(self, architectures):
    for _ in architectures:
      yield Evaluation.failed("too hard", 1.0)


def search(directory, x=IMAGES, y=NAMES, *, num_trials=2, **changes):
  return nao_tf.search(x, y, workdir=directory, num_trials=num_trials, **{**SETTINGS, **changes})


@pytest.fixture(scope="module", autouse=True)
def no_graphs():
  """A training here has a dozen steps, and most searches make graphs of their own."""
  with without_graphs():
    yield


@pytest.fixture(scope="module")
def found(tmp_path_factory):
  return search(tmp_path_factory.mktemp("found") / "run")


@pytest.fixture(scope="module")
def model(found):
  return found.train(epochs=2, verbose=0)


def test_a_search_is_found_by_its_directory(found):
  record = nao_tf.load(found.directory)
  assert found.best == record.best and found.best.reward is not None and len(record.trials) == 2
  assert record.settings["training.batch_size"] == 4 and record.settings["data.classes"] == ["circle", "square"]
  assert os.path.exists(os.path.join(found.directory, "best.json")) and found.labels == shapes.NAMES


@pytest.mark.slow
def test_networks_train_in_rungs(tmp_path):
  options = {"rungs": (1, 2), "reduction": 3, "num_trials": 3, "trials_per_batch": 3}
  settings = {name: value for name, value in SETTINGS.items() if name != "epochs"}
  found = nao_tf.search(IMAGES, NAMES, workdir=tmp_path, **settings, **options)
  record = nao_tf.load(found.directory)
  assert sorted(trial.rung for trial in record.trials) == [0, 0, 1] and found.best.rung == 1
  assert record.settings["rungs"] == [1, 2] and record.settings["training.epochs"] == 2
  assert not os.path.exists(os.path.join(tmp_path, "rungs"))


@pytest.mark.parametrize(
  ("options", "message"),
  [
    ({"rungs": (2, 1)}, "rungs must be two or more ascending numbers"),
    ({"rungs": (1, 3), "epochs": 2}, "the last rung is the length of a full training, 3 epochs, but epochs is 2"),
    ({"max_epochs": 9}, "pass rungs"),
    ({"rungs": (1, 2), "evaluator": "shared_weights"}, "shared_weights trains them together"),
  ],
)
def test_rungs_that_do_not_fit_are_refused_before_any_work(tmp_path, options, message):
  own = {name: value for name, value in TINY.items() if name != "epochs"}
  with pytest.raises(ValueError, match=message):
    nao_tf.search(IMAGES, NAMES, workdir=tmp_path / "run", verbose=0, **own, **options)
  assert not (tmp_path / "run").exists()


def test_a_warm_start_from_no_search_is_refused_before_any_work(tmp_path):
  with pytest.raises(RunDirectoryError, match="warm_start=.*expected the work directory of a search"):
    search(tmp_path / "run", strategy="nao", warm_start=tmp_path)
  with pytest.raises(ValueError, match="warm_start needs nao_gaussian_share above 0, got 0"):
    search(tmp_path / "run", strategy="nao", warm_start=tmp_path, nao_preset="rounds")
  with pytest.raises(ValueError, match="a warm start is for the strategy nao, got RandomSearch"):
    search(tmp_path / "run", warm_start=tmp_path)
  assert not (tmp_path / "run").exists()


def test_trials_are_rows(found, monkeypatch):
  rows = found.trials
  assert [row["trial"] for row in rows] == [0, 1] and {"reward", "seconds", "parameters", "accuracy"} <= set(rows[0])
  pandas = types.ModuleType("pandas")
  pandas.DataFrame = lambda rows: ("table", rows)
  pandas.__spec__ = types.SimpleNamespace()
  monkeypatch.setitem(sys.modules, "pandas", pandas)
  assert found.trials == ("table", rows)


def test_the_report_is_shown_in_notebooks(found):
  report = found.report()
  page = open(report, encoding="utf-8").read()
  assert report._repr_html_() == found._repr_html_() and str(report) == os.path.join(found.directory, "report.html")
  shown = found._repr_html_()
  assert shown.startswith("<iframe") and html.escape(page) in shown and "best: trial" in repr(found)


def test_the_same_call_goes_on(found, model, tmp_path):
  own = shutil.copytree(found.directory, tmp_path / "run")
  seen = []
  again = search(own, num_trials=3, callbacks=[seen.append])
  assert again.best.reward >= found.best.reward and [trial.id for trial in seen] == [0, 1, 2]


def test_other_images_are_refused(found):
  changed = IMAGES.copy()
  changed[0, 0, 0, 0] ^= 1
  with pytest.raises(RunDirectoryError, match="made with other data, which differ in checksum.*choose another workdir"):
    search(found.directory, changed)
  with pytest.raises(RunDirectoryError, match=r"shape.*recorded images \(60, 16, 16, 3\), given images \(58"):
    search(found.directory, IMAGES[:58], NAMES[:58])


def test_the_strategy_has_the_settings_that_are_given_and_on_record(tmp_path):
  settings = {"strategy": "evolution", "evolution_population_size": 3, "evolution_tournament_size": 2, "num_trials": 5}
  found = search(tmp_path, evaluator=FirstChoice, **settings)
  assert [trial.origin.kind for trial in nao_tf.load(found.directory).trials] == ["random"] * 3 + ["mutation"] * 2
  assert nao_tf.load(found.directory).settings["options.population_size"] == 3
  with pytest.raises(RunDirectoryError, match="options.population_size was 3, is 4"):
    search(tmp_path, evaluator=FirstChoice, **{**settings, "evolution_population_size": 4})


def test_other_settings_are_refused(found):
  with pytest.raises(RunDirectoryError, match="network.filters was 4, is 8"):
    search(found.directory, filters=8)


def test_the_model_takes_raw_images(model, found):
  probabilities = model.predict(IMAGES, verbose=0)
  assert probabilities.shape == (60, 2) and np.allclose(probabilities.sum(1), 1, atol=1e-5)
  classes = np.array([found.labels.index(name) for name in NAMES])
  loss, accuracy = model.evaluate(IMAGES, classes, verbose=0)
  assert np.isfinite(loss) and accuracy == pytest.approx(np.mean(probabilities.argmax(1) == classes))
  assert model.fit(IMAGES, classes, epochs=1, verbose=0).history["loss"]


def test_a_finished_training_is_returned_at_once(found, tmp_path):
  first = found.train(epochs=2, verbose=0).predict(IMAGES[:5], verbose=0)
  start = time.perf_counter()
  second = search(found.directory).train(epochs=2, verbose=0).predict(IMAGES[:5], verbose=0)
  assert np.array_equal(first, second) and time.perf_counter() - start < 60
  exported = found.export(tmp_path / "exported")
  network = load_exported(exported)
  assert network.labels == shapes.NAMES
  assert np.allclose(network(tf.constant(IMAGES[:5]))["probabilities"], first, atol=1e-4)


def test_a_training_has_the_settings_of_the_search_unless_told_otherwise(found):
  found.train(epochs=1, validation_fraction=0.5, filters=8, verbose=0)
  assert len(found.history) == 1 and "valid_accuracy" in found.history[0]
  directories = os.listdir(os.path.join(found.directory, "trainings"))
  assert len(directories) == 2
  with pytest.raises(ValueError, match="did you mean filters"):
    found.train(epochs=1, filter=8)


@pytest.mark.parametrize(
  ("changes", "message"),
  [
    ({"epochs": -1}, "epochs must be at least 1, got -1"),
    ({"epochs": 1.5}, "epochs must be an integer, got 1.5"),
    ({"verbose": "no"}, "expected an integer of at least 0 for 'verbose', got 'no'"),
    ({"validation_fraction": "half"}, "expected a finite number for 'validation_fraction', got 'half'"),
    ({"filters": 2**16}, "the network needs .* GiB of memory to train, but this machine has .* GiB"),
  ],
)
def test_wrong_settings_of_a_training_are_an_error_before_it_begins(found, changes, message):
  before = os.listdir(found.directory)
  with pytest.raises(ValueError, match=message):
    found.train(**{"epochs": 1, **changes})
  assert os.listdir(found.directory) == before


def test_an_export_needs_a_training(tmp_path, found):
  fresh = search(found.directory)
  with pytest.raises(RuntimeError, match="call train"):
    fresh.export(tmp_path / "exported")


def test_no_batch_begins_after_the_last_second(tmp_path):
  found = search(
    tmp_path,
    evaluator="tests.support.tiny_cells:FirstChoice",
    num_trials=16,
    trials_per_batch=8,
    max_seconds=2,
    callbacks=[lambda trial: time.sleep(2 if trial.id == 0 else 0)],
  )
  assert len(found.trials) == 8


def test_a_search_without_a_reward_is_an_error(tmp_path):
  with pytest.raises(NothingFound, match="none of 2 trials has a reward; the last one failed .too hard"):
    search(tmp_path, evaluator=AllFail())
  again = nao_tf.load(tmp_path, IMAGES, NAMES)
  assert again.best is None and len(again.trials) == 2
  with pytest.raises(NothingFound, match="no trial has a reward yet"):
    again.train(epochs=1)


def test_the_parts_may_be_objects_and_classes(tmp_path):
  space = TinyCells()
  found = search(tmp_path, space=space, strategy=RandomSearch, evaluator=FirstChoice())
  same = search(tmp_path, space=None, strategy=RandomSearch(space), evaluator=FirstChoice)
  assert found.best == same.best
  settings = nao_tf.load(tmp_path).settings
  assert settings["space"] == "tests.support.tiny_cells:TinyCells" and "FirstChoice" in settings["evaluator"]


def test_the_strategy_is_asked_for_so_many_at_a_time(tmp_path):
  counts = []

  class Asked(RandomSearch):
    def ask(self, count):
      counts.append(count)
      return super().ask(count)

  options = {"evaluator": FirstChoice(), "num_trials": 7}
  search(tmp_path, strategy=Asked(TinyCells()), trials_per_batch=3, **options)
  assert counts == [3, 3, 1] and nao_tf.load(tmp_path).settings["batch_size"] == 3
  with pytest.raises(RunDirectoryError, match="batch_size was 3, is 8"):
    search(tmp_path, strategy=Asked(TinyCells()), trials_per_batch=8, **options)
  counts.clear()
  search(tmp_path, strategy=Asked(TinyCells()), evaluator=FirstChoice(), num_trials=10)
  assert counts == [3, 3, 1, 3], "a search goes on with the number that it was begun with"
  counts.clear()
  search(tmp_path / "one_by_one", strategy=Asked(TinyCells()), evaluator=FirstChoice(), num_trials=3)
  assert counts == [1, 1, 1]


def test_oversized_networks_are_not_proposed(tmp_path):
  everything = search(tmp_path / "all", evaluator=FirstChoice(), num_trials=16).trials
  genotypes = [TinyCells().decode(TinyCells().parse(row["architecture"])) for row in everything]
  costs = sorted(nao_tf.describe(genotype, **SIZES).parameters for genotype in genotypes)
  bound = costs[len(costs) // 2] - 1
  small = sum(cost <= bound for cost in costs)
  found = search(tmp_path / "small", evaluator=FirstChoice(), num_trials=16, max_parameters=bound)
  assert 0 < len(found.trials) == small < 16


def test_a_search_is_read_with_its_data_and_its_best_trained(found, model):
  again = nao_tf.load(found.directory, IMAGES, NAMES)
  assert again.best == found.best and again.labels == found.labels
  again.train(epochs=2, verbose=0)
  assert len(again.history) == 2 and len(os.listdir(os.path.join(found.directory, "trainings"))) <= 2
  with pytest.raises(ValueError, match=r"does not store its data; .* nao_tf.load\('.*', x, y\).train"):
    nao_tf.load(found.directory).train(epochs=2)
  with pytest.raises(RunDirectoryError, match="was made with other data"):
    nao_tf.load(found.directory, IMAGES[:40], NAMES[:40])
  with pytest.raises(RunDirectoryError, match="was made with the task .*OwnImages, got data of the task digits"):
    nao_tf.load(found.directory, "digits")


def test_the_trained_network_is_exported_as_a_file(found, model, tmp_path):
  found.train(epochs=2, verbose=0)
  path = found.export(tmp_path / "model.keras", format="keras")
  assert os.path.getsize(path) > 0
  with pytest.raises(
    ValueError, match="unknown format 'onnx'; expected one of saved_model, keras, tflite, tflite_int8"
  ):
    found.export(tmp_path / "model.onnx", format="onnx")
  with pytest.raises(ValueError, match="has a name that ends with .tflite"):
    found.export(tmp_path / "model.keras", format="tflite")


def test_a_language_model_is_found_for_a_list_of_texts(tmp_path):
  texts = [line for split in ("valid", "test") for line in toy_text.sentences(split)]
  settings = {"num_trials": 1, "strategy": "random", "verbose": 0, "epochs": 1, "units": 4, "segment_length": 8}
  found = nao_tf.search(texts, workdir=tmp_path / "run", **settings)
  assert found.best.reward < 0 and nao_tf.load(found.directory).settings["space"] == "rnn12"
  network = found.train(epochs=1, verbose=0)
  words = len({word for text in texts for word in text.split()}) + 2
  assert network(tf.constant([[1, 2, 3]])).shape == (1, 3, words)
  assert os.path.exists(os.path.join(found.export(tmp_path / "exported"), "saved_model.pb"))
  loaded = nao_tf.load_model(found.export(tmp_path / "x.keras", format="keras"))
  assert np.allclose(loaded(tf.constant([[1, 2, 3]])), network(tf.constant([[1, 2, 3]])), atol=1e-5)
  with pytest.raises(ValueError, match="format 'tflite' is for image networks"):
    found.export(tmp_path / "x.tflite", format="tflite")
  with pytest.raises(RunDirectoryError, match="other data, which differ in (lines, )?checksum"):
    nao_tf.search(texts[1:], workdir=tmp_path / "run", **settings)


@pytest.mark.parametrize(
  ("changes", "message"),
  [
    ({"strategy": "naoo"}, "unknown strategy 'naoo'; .*; did you mean nao?"),
    ({"strategy": 3}, "expected the name of a strategy, a subclass"),
    ({"strategy": RandomSearch(ToySpace())}, "expected a strategy for the space tiny_cells"),
    ({"strategy": RandomSearch(TinyCells()), "max_parameters": 9000}, "limit the proposals of a strategy"),
    ({"space": "rnn12"}, "use a search space for images, such as nasnet5"),
    ({"evaluator": 3}, "expected the name of an evaluator"),
    ({"max_parameters": 1}, "0 of 16 architectures have at most 1 parameters; the smallest has"),
    ({"max_parameters": 0}, "max_parameters"),
    ({"filters": 2**16}, "needs .* GiB of memory to train, but this machine has .* GiB"),
    ({"class_weight": "even"}, "class_weight must be .balanced., or a dict"),
    ({"class_weight": {"triangle": 2}}, "class_weight: unknown label 'triangle'"),
    ({"max_vocabulary": 100}, "max_vocabulary: not for images"),
    ({"space": "nasnet55"}, "unknown space 'nasnet55'"),
    ({"evaluator": "train"}, "unknown evaluator 'train'"),
    ({"space": "nasbench201", "convention": "nao"}, "need convention=nasbench201 .* got the convention nao"),
    ({"shared_score": "loss"}, "unknown setting 'shared_score'"),
    ({"shared_score": "lost", "evaluator": "shared_weights"}, "score must be one of loss, reward, got 'lost'"),
    ({"epoch": 2}, "unknown setting 'epoch'; did you mean epochs"),
    ({"batch_size": 500}, "a batch of 500 is more than the 48 training examples"),
    ({"validation_fraction": 0.0}, "a search needs a validation set"),
    ({"num_trials": 0}, "expected an integer of at least 1 for 'num_trials', got 0"),
    ({"trials_per_batch": 0}, "expected an integer of at least 1 for 'trials_per_batch', got 0"),
    ({"verbose": "no"}, "expected an integer of at least 0 for 'verbose', got 'no'"),
    ({"epochs": 1.5}, "epochs must be an integer, got 1.5"),
    ({"num_trials": "3"}, "expected an integer of at least 1 for 'num_trials', got '3'"),
    ({"validation_fraction": "half"}, "expected a finite number for 'validation_fraction', got 'half'"),
    ({"seed": -1}, "expected an integer .* for .?seed.?, got -1"),
    ({"callbacks": print}, "expected callbacks, a list of functions"),
    ({"max_seconds": 0}, "max_seconds must be above 0"),
    ({"optimizer": "SGDD"}, "SGDD"),
    ({"y": NAMES[:5]}, "expected a label for each image, got 60 images and 5 labels"),
    ({"y": None}, "expected labels y"),
  ],
)
def test_wrong_input_is_an_error_before_any_trial(tmp_path, changes, message):
  with pytest.raises(ValueError, match=message):
    search(tmp_path, **changes)
  assert not os.path.exists(tmp_path / "trials.jsonl") or os.path.getsize(tmp_path / "trials.jsonl") == 0


def test_large_images_get_a_stem_that_reduces_them(tmp_path):
  images, names = shapes.shape_arrays(12, size=(96, 100), channels=1)
  found = search(tmp_path, images, names, num_trials=1)
  assert nao_tf.load(found.directory).settings["network.stem"] == "imagenet"


def test_what_is_no_network_cannot_be_trained(found):
  other = copy.copy(found)
  other._space, other.best = ToySpace(), Trial(0, (0, 1, 0, 1), evaluation=Evaluation(1.0))
  with pytest.raises(ValueError, match="its networks are built from a CellGenotype or .*, got a str"):
    other.train(epochs=1, verbose=0)


@pytest.mark.parametrize(
  ("changes", "words"),
  [
    ({"warm_start": 3, "strategy": "nao"}, "warm_start must be the path of a directory, got 3"),
    ({"rungs": 3}, "rungs must be two or more ascending numbers of epochs, such as 1, 3, 9, got 3"),
    ({"proxies": "parameters", "strategy": "nao"}, "expected a list of proxies"),
    ({"objectives": "accuracy,parameters"}, r"write \['accuracy', 'parameters'\]"),
    ({"skip_corrupt": "no"}, "expected true or false for 'skip_corrupt', got 'no'"),
    ({"download": 1}, "expected true or false for 'download', got 1"),
    ({"num_workers": True}, "expected an integer of at least 1 for 'num_workers', got True"),
    ({"max_vocabulary": 0}, "max_vocabulary: not for images"),
    ({"class_weight": np.zeros(2)}, "class_weight must be"),
  ],
)
def test_arguments_of_other_types_are_refused_by_name(changes, words, tmp_path):
  with pytest.raises(ValueError, match=words):
    search(tmp_path / "run", **changes)
  assert not (tmp_path / "run").exists()
