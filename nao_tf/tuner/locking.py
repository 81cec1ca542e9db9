"""A lock around a KerasTuner oracle that is also released after exceptions.

`keras_tuner.synchronized` keeps the lock when a method raises, and every later call from another thread blocks forever.
"""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import keras_tuner

_P = ParamSpec("_P")
_R = TypeVar("_R")


def locked(method: Callable[_P, _R]) -> Callable[_P, _R]:
  """Decorates a method of an oracle to run under its lock, which is released in any case.

  It replaces `keras_tuner.synchronized`. A locked method may call other locked methods of the same oracle.
  """

  @functools.wraps(method)
  def run(*args: _P.args, **kwargs: _P.kwargs) -> _R:
    oracle = args[0]
    result, error = _call_under_lock(oracle, functools.partial(method, *args, **kwargs))
    if error is not None:
      raise error
    return result

  return run


@keras_tuner.synchronized
def _call_under_lock(oracle: object, call: Callable[[], _R]) -> tuple[_R | None, BaseException | None]:
  """Returns the result or the exception. KerasTuner locks on the first argument."""
  del oracle
  try:
    return call(), None
  except BaseException as error:
    return None, error
