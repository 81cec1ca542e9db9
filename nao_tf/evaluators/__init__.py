"""Evaluators by name. To add one, add a file in this folder and a row to `EVALUATORS`.

Your own evaluator is named by its import path, `package.module:Name`.
"""

from nao_tf.evaluators.base import Evaluator
from nao_tf.evaluators.context import EvaluatorClass, EvaluatorContext
from nao_tf.evaluators.rung_evaluator import in_rungs
from nao_tf.registries import load_place, resolve

EVALUATORS = {
  "inherited": "nao_tf.evaluators.inherited_evaluator:InheritedEvaluator",
  "shared_weights": "nao_tf.evaluators.shared_weights_evaluator:SharedWeightsEvaluator",
  "tabular": "nao_tf.evaluators.tabular_evaluator:TabularEvaluator",
  "training": "nao_tf.evaluators.training_evaluator:TrainingEvaluator",
}
"""Import paths by name, each of a class with a class method `from_context`; see `EvaluatorContext`."""

SCORES = "nao_tf.evaluators.shared_scores:SharedScores"
"""Import path of the evaluator of workers that score with shared weights trained by the main process."""

WITHOUT_SETTINGS = ("shared_weights", "training")
"""Evaluators whose modules import TensorFlow and that have no settings of their own."""

SETTINGS = {"inherited": "nao_tf.evaluators.inherited_config:InheritedSettings"}
"""Import paths of the declared settings of evaluators whose own modules import TensorFlow."""

__all__ = [
  "EVALUATORS",
  "SCORES",
  "SETTINGS",
  "WITHOUT_SETTINGS",
  "Evaluator",
  "EvaluatorClass",
  "EvaluatorContext",
  "declared_settings",
  "evaluator_class",
  "make_evaluator",
]


def declared_settings(name: str) -> object:
  """Returns a class that declares the settings of an evaluator as `config_class` and `presets`; None if it has none.

  For registered evaluators, TensorFlow is not imported.

  Raises:
    ValueError: if there is no such evaluator.
  """
  if name in SETTINGS:
    return load_place(SETTINGS[name], "evaluator")
  return None if name in WITHOUT_SETTINGS else evaluator_class(name)


def evaluator_class(name: str) -> EvaluatorClass:
  """Returns the class of an evaluator. Its module is imported only now, since it may import TensorFlow.

  Args:
    name: a key of `EVALUATORS`, or the import path of your own evaluator class, `package.module:Name`.

  Raises:
    ValueError: if there is no such evaluator, or it has no class method `from_context`.
  """
  found = resolve(name, EVALUATORS, "evaluator")
  if not callable(getattr(found, "from_context", None)):
    raise ValueError(f"evaluator {name!r}: expected a class with a class method from_context, got {found!r}")
  return found


def make_evaluator(name: str, context: EvaluatorContext) -> Evaluator:
  """Returns a new evaluator.

  Args:
    name: a key of `EVALUATORS`, or the import path of your own evaluator class, `package.module:Name`.
    context: the context of the search. If it has rungs, the evaluator is wrapped as a
      `nao_tf.evaluators.rung_evaluator.RungEvaluator`.

  Raises:
    ValueError: if there is no such evaluator, the context lacks something it needs, or it does not support rungs.
  """
  return in_rungs(evaluator_class(name).from_context(context), context.rungs)
