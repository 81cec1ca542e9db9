"""Searches in one call with workers: their trials are those of a search inline, and what cannot be sent is refused."""

import multiprocessing
import os
import sys
import types

import pytest

import nao_tf
from nao_tf.evaluators import EvaluatorContext
from nao_tf.evaluators.worker_process import PROCESS_NAME
from nao_tf.searches.executors.inline import InlineExecutor
from nao_tf.searches.executors.processes import ProcessExecutor
from nao_tf.searches.workers import SENT_FILE, Workers, workers_of
from tests.support import shapes
from tests.support.tiny_cells import TINY, FirstChoice, TinyCells
from tests.support.without_graphs import without_graphs

SETTINGS = {"space": TinyCells(), "strategy": "random", "num_trials": 1, "verbose": 0, **TINY}
IMAGES, NAMES = shapes.shape_arrays(24)


def search(directory, **changes):
  return nao_tf.search(IMAGES, NAMES, workdir=directory, **{**SETTINGS, **changes})


def results(found):
  return [(row["architecture"], row["reward"], row["parameters"], row["epochs"]) for row in found.trials]


class CalledHere(ProcessExecutor):
  """Makes evaluators as worker processes do, but in this process."""

  @classmethod
  def make(cls, make_evaluator, settings):
    executor = InlineExecutor(make_evaluator())
    executor.made = make_evaluator()
    return executor


class WithFunction(FirstChoice):
  """An evaluator that cannot be pickled."""

  def __init__(self):
    self.function = lambda: 1


def test_a_worker_process_has_the_trials_of_a_search_inline(tmp_path, monkeypatch):
  monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "1")  # As in this process, so that sums are of the same order.
  with without_graphs():
    inline = search(tmp_path / "inline")
  workers = search(tmp_path / "workers", executor="processes", num_workers=1, trial_timeout=300)
  assert results(workers) == results(inline)
  assert workers.trials[0]["train_loss"] == pytest.approx(inline.trials[0]["train_loss"], rel=1e-4)
  assert not os.path.exists(tmp_path / "workers" / SENT_FILE)


def test_several_workers_are_processes_unless_something_else_is_said():
  assert workers_of(None, None, None) == workers_of(None, 1, None) == Workers("inline")
  assert workers_of(None, 3, None) == Workers("processes", 3)
  assert workers_of(None, None, 60.0) == Workers("processes", 1, 60.0)
  assert workers_of("ray", None, 60.0) == Workers("ray", None, 60.0)


def test_workers_read_a_copy_of_the_data(tmp_path):
  context = EvaluatorContext(TinyCells(), make_task=None, directory=str(tmp_path))
  with Workers(CalledHere).opened(FirstChoice(), context, context) as executor:
    assert isinstance(executor.made, FirstChoice)
    assert os.stat(tmp_path / SENT_FILE).st_mode & 0o777 == 0o600
  assert os.listdir(tmp_path) == []


def test_an_executor_that_is_made_already_is_used(tmp_path):
  found = search(tmp_path, executor=InlineExecutor(FirstChoice()), num_trials=3)
  assert len(found.trials) == 3
  assert nao_tf.load(tmp_path).settings["evaluator"] == "nao_tf.searches.executors.inline:InlineExecutor"


@pytest.mark.parametrize(
  ("changes", "message"),
  [
    ({"executor": "process"}, "unknown executor 'process'; .*; did you mean processes"),
    ({"executor": 3}, "expected the name of an executor, a subclass of Executor"),
    ({"executor": print}, "expected the name of an executor"),
    ({"executor": "inline", "num_workers": 2}, "the executor inline has one worker, got num_workers 2; use processes"),
    (
      {"executor": "inline", "trial_timeout": 60},
      "inline cannot end an evaluation after trial_timeout seconds; use processes",
    ),
    ({"executor": "processes", "num_workers": 0}, "num_workers.*got 0"),
    ({"num_workers": "2"}, "num_workers.*got '2'"),
    ({"trial_timeout": -1}, "trial_timeout must be above 0"),
    ({"trial_timeout": 60, "evaluator": "shared_weights"}, "shared_weights trains one supernet for all"),
    ({"executor": "processes", "evaluator": WithFunction()}, "evaluator: workers need a copy of it, but WithFunction"),
    ({"executor": "processes", "batch_size": 500}, "a batch of 500 is more than the 19 training examples"),
    ({"executor": InlineExecutor(FirstChoice()), "num_workers": 2}, "need an executor by name"),
    ({"executor": InlineExecutor(FirstChoice()), "evaluator": FirstChoice}, "has its own evaluators"),
  ],
)
def test_what_workers_cannot_do_is_an_error_before_any_trial(tmp_path, changes, message):
  with pytest.raises(ValueError, match=message):
    search(tmp_path, **changes)
  assert not os.path.exists(tmp_path / "trials.jsonl") or os.path.getsize(tmp_path / "trials.jsonl") == 0


def test_a_task_that_cannot_be_sent_is_refused(tmp_path):
  with pytest.raises(ValueError, match="x: workers need a copy of it, but PythonReferenceModeling cannot be pickled"):
    nao_tf.search(nao_tf.make_task("python_reference"), workdir=tmp_path, executor="processes")


def test_what_a_notebook_defines_cannot_be_sent(tmp_path, monkeypatch):
  notebook = types.ModuleType("__main__")
  notebook.Mine = type("Mine", (FirstChoice,), {"__module__": "__main__"})
  monkeypatch.setitem(sys.modules, "__main__", notebook)
  with pytest.raises(ValueError, match="evaluator: workers cannot import what is defined in a notebook"):
    search(tmp_path, executor="processes", evaluator=notebook.Mine)


def test_a_worker_that_imports_the_script_does_not_search(tmp_path, monkeypatch):
  monkeypatch.setattr(multiprocessing.current_process(), "name", PROCESS_NAME)
  with pytest.raises(RuntimeError, match="workers import your script.*__main__"):
    search(tmp_path, executor="processes")
  assert os.listdir(tmp_path) == []
