"""Everything that a controller has learned, as arrays: weights, the optimizer's moments and its count of steps.

A controller restored from them goes on exactly as the saved one would have.

  np.savez(path, **controller_state(controller))
  restore_controller_state(controller, dict(np.load(path)))
"""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from nao_tf.controller.controller import Controller
from nao_tf.controller.fitting import optimizer_variables


def controller_state(controller: Controller) -> dict[str, np.ndarray]:
  """Returns arrays by name ("weights/0", "optimizer/0", ...). Equal configurations have the same names in one order."""
  return {name: tf.convert_to_tensor(variable).numpy() for name, variable in _variables(controller).items()}


def restore_controller_state(controller: Controller, state: Mapping[str, np.ndarray]) -> None:
  """Sets a controller to a saved state. If the state does not fit, the controller stays as it is.

  Args:
    controller: has the vocabulary, configuration, ensemble size and kind of optimizer of the saved one.
    state: arrays that `controller_state` returned.

  Raises:
    ValueError: if an array is missing, unexpected, of another shape or not finite; the message names it.
  """
  variables = _variables(controller)
  if variables.keys() != state.keys():
    odd = sorted(variables.keys() ^ state.keys())
    raise ValueError(f"expected the {len(variables)} arrays of this controller, got {len(state)}; differing: {odd}")
  for name, variable in variables.items():
    if tuple(variable.shape) != np.shape(state[name]):
      raise ValueError(f"{name}: expected the shape {tuple(variable.shape)}, got {np.shape(state[name])}")
    if not np.isfinite(state[name]).all():
      raise ValueError(f"{name}: expected finite numbers")
  for name, variable in variables.items():
    variable.assign(state[name])


def restart(controller: Controller, seed: int) -> None:
  """Sets a controller to the state of a new one with another seed; keeps its graphs."""
  new = Controller(controller.vocabulary, controller.config, ensemble_size=controller.ensemble_size, seed=seed)
  restore_controller_state(controller, controller_state(new))
  controller.seed = seed


def _variables(controller: Controller) -> dict[str, tf.Variable]:
  weights = {f"weights/{number}": variable for number, variable in enumerate(controller.trainable_variables)}
  moments = {f"optimizer/{number}": variable for number, variable in enumerate(optimizer_variables(controller))}
  return weights | moments
