"""Neural Architecture Optimization (NAO) for TensorFlow and Keras: a library for neural architecture search.

A search has three independent parts: a *search space* defines the architectures, a *strategy* proposes candidates, and
an *evaluator* scores them; higher rewards are better. `run_search` connects the three and records every trial in a
*journal*, so an interrupted search resumes where it stopped. An evaluator is any object with an `evaluate` method:

    import nao_tf

    class LongPaths:
      def __init__(self, space):
        self.space = space

      def evaluate(self, architectures):
        for architecture in architectures:
          yield nao_tf.Evaluation(reward=self.space.format(architecture).count("3x3"))

    space = nao_tf.make_space("nasbench201")
    strategy = nao_tf.make_strategy("evolution", space, seed=0)
    with nao_tf.Journal("runs/first", {"seed": 0}) as journal:
      best = nao_tf.run_search(strategy, LongPaths(space), journal, num_trials=100, batch_size=10)
    print(best.reward, space.format(best.architecture))

    search = nao_tf.load("runs/first")
    print(len(search.trials), search.best.reward)

For your own images or texts, a single call does all of this: `search(x, y, workdir="runs/mine").train(epochs=60)` runs
a search and returns a trained Keras model.

The strategy "nao" implements the method of Luo et al., "Neural Architecture Optimization" (NeurIPS 2018). The
evaluators "training" and "shared_weights" train candidate networks on a task, such as `make_task("digits")`. `describe`
computes the parameters, multiply-adds and memory of a network without building it. `build` builds an architecture as a
plain Keras model, `load_model` loads a trained network, and `draw` draws the cells of an architecture. `NAOTuner` is a
tuner for KerasTuner. The commands `nao-search`, `nao-train`, `nao-evaluate`, `nao-export`, `nao-describe`, `nao-draw`
and `nao-tune` offer the same from the command line.

Wherever the name of a component is expected, the import path of your own, `package.module:Name`, works too.

Importing this package does not import TensorFlow. Each public name is imported on first use.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
  from nao_tf.evaluators import Evaluator, EvaluatorContext, make_evaluator
  from nao_tf.networks.cell_drawings import draw
  from nao_tf.networks.descriptions import describe
  from nao_tf.runs.journal import Journal
  from nao_tf.searches.loop import run_search
  from nao_tf.searches.one_call import search
  from nao_tf.searches.reading import load
  from nao_tf.serving.keras_models import build, load_model
  from nao_tf.spaces import SearchSpace, make_space
  from nao_tf.strategies import Strategy, make_strategy
  from nao_tf.tasks import make_task
  from nao_tf.trial import Architecture, Evaluation, Trial
  from nao_tf.tuner import NAOTuner

__version__ = "0.2.0"

_PLACES = {
  "Architecture": "nao_tf.trial:Architecture",
  "Evaluation": "nao_tf.trial:Evaluation",
  "Evaluator": "nao_tf.evaluators:Evaluator",
  "EvaluatorContext": "nao_tf.evaluators:EvaluatorContext",
  "Journal": "nao_tf.runs.journal:Journal",
  "NAOTuner": "nao_tf.tuner:NAOTuner",
  "SearchSpace": "nao_tf.spaces:SearchSpace",
  "Strategy": "nao_tf.strategies:Strategy",
  "Trial": "nao_tf.trial:Trial",
  "build": "nao_tf.serving.keras_models:build",
  "describe": "nao_tf.networks.descriptions:describe",
  "draw": "nao_tf.networks.cell_drawings:draw",
  "load": "nao_tf.searches.reading:load",
  "load_model": "nao_tf.serving.keras_models:load_model",
  "make_evaluator": "nao_tf.evaluators:make_evaluator",
  "make_space": "nao_tf.spaces:make_space",
  "make_strategy": "nao_tf.strategies:make_strategy",
  "make_task": "nao_tf.tasks:make_task",
  "run_search": "nao_tf.searches.loop:run_search",
  "search": "nao_tf.searches.one_call:search",
}

__all__ = [
  "Architecture",
  "Evaluation",
  "Evaluator",
  "EvaluatorContext",
  "Journal",
  "NAOTuner",
  "SearchSpace",
  "Strategy",
  "Trial",
  "__version__",
  "build",
  "describe",
  "draw",
  "load",
  "load_model",
  "make_evaluator",
  "make_space",
  "make_strategy",
  "make_task",
  "run_search",
  "search",
]


def __getattr__(name: str) -> Any:
  """Imports and returns a public name on first use."""
  if name not in _PLACES:
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
  module, _, attribute = _PLACES[name].partition(":")
  return getattr(importlib.import_module(module), attribute)


def __dir__() -> list[str]:
  """Returns all public names, including those not imported yet."""
  return __all__
