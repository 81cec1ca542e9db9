"""Evaluators by name. A new one is a file here and a row below; one of your own is `package.module:Name`."""

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
"""Places by name. At a place is a class with a class method `from_context`; see `EvaluatorContext`."""

SCORES = "nao_tf.evaluators.shared_scores:SharedScores"
"""Place of the evaluator of workers that score with the weights of `shared_weights`, which a search trains itself."""

WITHOUT_SETTINGS = ("shared_weights", "training")
"""Evaluators whose modules import TensorFlow, and that declare no settings of their own."""

SETTINGS = {"inherited": "nao_tf.evaluators.inherited_config:InheritedSettings"}
"""Places of what declares the settings of an evaluator whose own module imports TensorFlow."""

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
  """Returns what declares the settings of an evaluator with `config_class` and `presets`: its class, or None.

  For a registered evaluator, TensorFlow is not imported.

  Raises:
    ValueError: if there is no such evaluator.
  """
  if name in SETTINGS:
    return load_place(SETTINGS[name], "evaluator")
  return None if name in WITHOUT_SETTINGS else evaluator_class(name)


def evaluator_class(name: str) -> EvaluatorClass:
  """Returns the class of an evaluator, importing its module only now, since an evaluator may need TensorFlow.

  Args:
    name: key in the registry, or `package.module:Name`, a class of your own.

  Raises:
    ValueError: if there is no such evaluator, or it cannot be made from a context.
  """
  found = resolve(name, EVALUATORS, "evaluator")
  if not callable(getattr(found, "from_context", None)):
    raise ValueError(f"evaluator {name!r}: expected a class with a class method from_context, got {found!r}")
  return found


def make_evaluator(name: str, context: EvaluatorContext) -> Evaluator:
  """Returns an evaluator.

  Args:
    name: key in the registry, or `package.module:Name`, a class of your own.
    context: what the evaluator is made from. If it has rungs, so has the evaluator; see
      `nao_tf.evaluators.rung_evaluator`.

  Raises:
    ValueError: if there is no such evaluator, the context lacks what it needs, or the evaluator cannot train in rungs.
  """
  return in_rungs(evaluator_class(name).from_context(context), context.rungs)
