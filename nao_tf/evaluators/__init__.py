"""Evaluators by name. A new one is a file here and a row below."""

import importlib

from nao_tf.evaluators.base import Evaluator

EVALUATORS = {
  "shared_weights": "nao_tf.evaluators.shared_weights_evaluator:SharedWeightsEvaluator",
  "tabular": "nao_tf.evaluators.tabular_evaluator:TabularEvaluator",
  "training": "nao_tf.evaluators.training_evaluator:TrainingEvaluator",
}

__all__ = ["EVALUATORS", "Evaluator", "evaluator_class"]


def evaluator_class(name: str) -> type:
  """Returns the registered class, importing its module only now: an evaluator may bring TensorFlow.

  Raises:
    ValueError: if there is no evaluator of that name.
  """
  if name not in EVALUATORS:
    raise ValueError(f"unknown evaluator {name!r}; expected one of {', '.join(sorted(EVALUATORS))}")
  module, _, attribute = EVALUATORS[name].partition(":")
  return getattr(importlib.import_module(module), attribute)
