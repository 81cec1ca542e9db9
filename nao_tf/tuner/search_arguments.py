"""Checks the arguments of a search before its first trial.

KerasTuner passes them on to each trial. If they are wrong, every trial fails, one after the other.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras_tuner


def check_arguments(tuner: keras_tuner.Tuner, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
  """Checks that the trials of a tuner can take the arguments of its search.

  Args:
    tuner: a tuner of hypermodels, or one with a `run_trial` of its own. A hypermodel may have a method
      `check_fit_arguments`, which takes the same arguments and raises if it cannot work with them.
    args: the positional arguments of the search.
    kwargs: its other arguments.

  Raises:
    TypeError: if they do not fit the signature of what takes them.
    Exception: what `check_fit_arguments` raises.
  """
  if type(tuner).run_trial is not keras_tuner.Tuner.run_trial:
    _check_signature("run_trial", tuner.run_trial, None, *args, **kwargs)
    return
  check = getattr(tuner.hypermodel, "check_fit_arguments", None)
  if check is not None:
    check(*args, **kwargs)
  _check_signature("HyperModel.fit", tuner.hypermodel.fit, None, None, *args, **{"callbacks": [], **kwargs})


def _check_signature(name: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
  """Checks that a function can be called with arguments."""
  try:
    inspect.signature(function).bind(*args, **kwargs)
  except TypeError as error:
    raise TypeError(f"the arguments of search() are passed on to {name}(), which cannot take them: {error}") from error
