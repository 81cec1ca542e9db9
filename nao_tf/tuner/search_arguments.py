"""Checks the arguments of a search before its first trial.

KerasTuner passes them to each trial, so wrong arguments would fail every trial, one after another.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras_tuner


def check_arguments(tuner: keras_tuner.Tuner, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
  """Checks that the trials of a tuner accept the arguments of its search.

  Args:
    tuner: a tuner of hypermodels, or one that overrides `run_trial`. A hypermodel may have a method
      `check_fit_arguments`, which takes the same arguments and raises an exception if it does not support them.
    args: positional arguments of the search.
    kwargs: keyword arguments of the search.

  Raises:
    TypeError: if they do not match the signature.
    Exception: any exception of `check_fit_arguments`.
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
