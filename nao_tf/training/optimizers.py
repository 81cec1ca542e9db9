"""Optimizers by name, and learning rate schedules, for all training configurations.

TensorFlow Addons, if installed, registers more optimizers under names such as "Addons>LAMB". It is imported only here,
and only when such a name is used.
"""

import difflib
import importlib
import importlib.util
import inspect
from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from tensorflow import keras

from nao_tf.training.config import TrainingConfig

ADDONS_PREFIX = "Addons>"
_ADDONS_MODULE = "tensorflow_addons"
_MANY_STEPS = 10_000
"""Of an epoch, so that the shortest warm-up has some."""

_SIDE = 64
"""Rows and columns of the weights that an optimizer is tried with."""


def register_addons() -> bool:
  """Imports TensorFlow Addons if it is installed, so that its optimizers and layers can be chosen by name.

  Returns:
    Whether it is installed.
  """
  if importlib.util.find_spec(_ADDONS_MODULE) is None:
    return False
  importlib.import_module(_ADDONS_MODULE)
  return True


def optimizer_class(name: str) -> type:
  """Returns the optimizer class with a name.

  Args:
    name: name of a Keras optimizer, in upper or lower case, or of a registered one, such as "Addons>LAMB".

  Raises:
    ValueError: if there is no such optimizer, or it needs arguments that no training configuration has. For an
      optimizer of TensorFlow Addons also if that is not installed.
  """
  if name.startswith(ADDONS_PREFIX) and not register_addons():
    raise ValueError(
      f"optimizer {name!r} needs TensorFlow Addons, which is not installed (see requirements-addons.txt)"
    )
  known = _known_optimizers()
  found = next((cls for key, cls in known.items() if key.lower() == name.lower()), None)
  if found is None:
    near = difflib.get_close_matches(name, known)
    meant = f"; did you mean {' or '.join(near)}?" if near else ""
    raise ValueError(f"unknown optimizer {name!r}; expected one of {', '.join(sorted(known))}{meant}")
  return found


def check_optimizer(training_config: Any) -> None:
  """Checks that the optimizer of a training exists, and that it can follow the learning rate of the training.

  Args:
    training_config: names the optimizer. That of a `TrainingConfig` also has a schedule.

  Raises:
    ValueError: as `optimizer_class`; or if the rate changes and the optimizer only takes a constant rate, as
      "Addons>ConditionalGradient" does.
  """
  is_own = optimizer_class(training_config.optimizer) in vars(keras.optimizers).values()
  if is_own or not isinstance(training_config, TrainingConfig) or _is_constant(training_config):
    return
  try:
    _update_matrix(make_optimizer(training_config, _MANY_STEPS))
  except (TypeError, ValueError) as error:
    raise ValueError(
      f"optimizer {training_config.optimizer!r} only takes a constant learning rate; expected schedule=constant and "
      f"warmup_epochs=0, got {training_config.schedule} and {training_config.warmup_epochs:g}"
    ) from error


def decays_weights_itself(name: str) -> bool:
  """Returns whether an optimizer decays the weights itself, apart from the gradients, as AdamW does."""
  parameter = inspect.signature(optimizer_class(name)).parameters.get("weight_decay")
  return parameter is not None and parameter.default not in (None, 0)


def make_optimizer(
  training_config: TrainingConfig, steps_per_epoch: int, *, rate_factor: tf.Variable | None = None
) -> keras.optimizers.Optimizer:
  """Returns the optimizer of a training, with those fields of the configuration that the optimizer has.

  Clipping is not among them. Weight decay is only if the optimizer `decays_weights_itself`. The training step does both
  in the same way for every optimizer.

  Args:
    training_config: names the optimizer and its schedule.
    steps_per_epoch: converts epochs to steps.
    rate_factor: a variable that the learning rate of a schedule is multiplied with; None for none. A constant rate is set
      by `set_constant_rate`.
  """
  cls = optimizer_class(training_config.optimizer)
  names = ("momentum", "nesterov") + (("weight_decay",) if decays_weights_itself(training_config.optimizer) else ())
  names += tuple(name for name in ("rho", "epsilon") if getattr(training_config, name) is not None)
  options = {name: getattr(training_config, name) for name in names if name in inspect.signature(cls).parameters}
  rate = learning_rate(training_config, steps_per_epoch)
  if rate_factor is not None and not isinstance(rate, float):
    rate = ScaledSchedule(rate, rate_factor)
  return cls(learning_rate=rate, **options)


def optimizer_with_rate(name: str, rate: float) -> keras.optimizers.Optimizer:
  """Returns an optimizer with its defaults, apart from its learning rate; see `optimizer_class`."""
  return optimizer_class(name)(learning_rate=rate)


def num_slots(training_config: Any) -> int:
  """Returns how many numbers the optimizer of a training keeps of each weight: those that it makes for a matrix.

  Args:
    training_config: names the optimizer. That of a `TrainingConfig` also has its momentum.
  """
  is_of_batches = isinstance(training_config, TrainingConfig)
  optimizer = (
    make_optimizer(training_config, 1) if is_of_batches else optimizer_with_rate(training_config.optimizer, 0.1)
  )
  _update_matrix(optimizer)
  variables = optimizer.variables() if callable(optimizer.variables) else optimizer.variables
  sizes = [tf.convert_to_tensor(variable).shape.num_elements() for variable in variables]
  return round(sum(size for size in sizes if size > 1) / _SIDE**2)


def _update_matrix(optimizer: keras.optimizers.Optimizer) -> None:
  """Lets an optimizer update a matrix, so that it has its variables."""
  layer = keras.layers.Dense(_SIDE, use_bias=False)
  layer.build((None, _SIDE))
  optimizer.apply_gradients([(tf.zeros([_SIDE, _SIDE]), layer.trainable_variables[0])])


class ScaledSchedule(keras.optimizers.schedules.LearningRateSchedule):
  """A schedule times a variable."""

  def __init__(self, schedule: keras.optimizers.schedules.LearningRateSchedule, factor: tf.Variable) -> None:
    """Initializes with the schedule and the variable."""
    super().__init__()
    self.schedule, self.factor = schedule, factor

  def __call__(self, step: tf.Tensor) -> tf.Tensor:
    """Returns the learning rate at a step."""
    rate = tf.convert_to_tensor(self.schedule(step))
    return rate * tf.cast(tf.convert_to_tensor(self.factor), rate.dtype)

  def get_config(self) -> dict[str, Any]:
    """Returns the arguments of an equal schedule; the variable is not among them."""
    return {"schedule": self.schedule}


def set_constant_rate(
  optimizer: keras.optimizers.Optimizer, training_config: TrainingConfig, rate_factor: float
) -> None:
  """Sets the learning rate of an optimizer without a schedule to that of a configuration times a factor."""
  if _is_constant(training_config) and rate_factor != 1.0:
    optimizer.learning_rate = training_config.learning_rate * training_config.rate_scale * rate_factor


def _is_constant(training_config: TrainingConfig) -> bool:
  return training_config.schedule == "constant" and not training_config.warmup_epochs


def build_optimizer(optimizer: keras.optimizers.Optimizer, variables: Sequence[Any]) -> None:
  """Creates the slots of an optimizer for variables, where it can; the optimizers of TensorFlow Addons make them later."""
  if hasattr(optimizer, "build"):
    optimizer.build(variables)


def learning_rate(
  training_config: TrainingConfig, steps_per_epoch: int
) -> float | keras.optimizers.schedules.LearningRateSchedule:
  """Returns the learning rate: a schedule over steps, or a number if it is constant.

  The cosine goes from `learning_rate` to `min_learning_rate` in one period and starts again. Each period is
  `cosine_period_growth` times as long as the one before it (SGDR, Loshchilov and Hutter, ICLR 2017, equation 5). The
  exponential schedule multiplies by `decay_rate` after every `decay_epochs` epochs.

  Args:
    training_config: has the schedule.
    steps_per_epoch: converts epochs to steps.
  """
  schedule = _schedule(training_config, steps_per_epoch)
  warmup_steps = round(training_config.warmup_epochs * steps_per_epoch)
  return WarmUp(schedule, warmup_steps) if warmup_steps else schedule


def _schedule(
  training_config: TrainingConfig, steps_per_epoch: int
) -> float | keras.optimizers.schedules.LearningRateSchedule:
  """Returns the learning rate without a warm-up."""
  rate = training_config.learning_rate * training_config.rate_scale
  if training_config.schedule == "constant":
    return rate
  if training_config.schedule == "exponential":
    return keras.optimizers.schedules.ExponentialDecay(
      rate,
      training_config.decay_epochs * steps_per_epoch,
      training_config.decay_rate,
      staircase=True,
    )
  floor = training_config.min_learning_rate / training_config.learning_rate
  steps = (training_config.cosine_period_epochs or training_config.epochs) * steps_per_epoch
  if steps >= training_config.epochs * steps_per_epoch:
    return keras.optimizers.schedules.CosineDecay(rate, steps, alpha=floor)
  growth = training_config.cosine_period_growth
  return keras.optimizers.schedules.CosineDecayRestarts(rate, steps, t_mul=growth, alpha=floor)


class WarmUp(keras.optimizers.schedules.LearningRateSchedule):
  """A schedule, or a constant rate, that is reached linearly: the first step has one part of so many."""

  def __init__(self, schedule: float | keras.optimizers.schedules.LearningRateSchedule, steps: int) -> None:
    """Initializes with the schedule and how many steps the warm-up has."""
    super().__init__()
    self.schedule, self.steps = schedule, steps

  def __call__(self, step: tf.Tensor) -> tf.Tensor:
    """Returns the learning rate at a step, from 0."""
    rate = tf.convert_to_tensor(self.schedule(step) if callable(self.schedule) else self.schedule)
    return rate * tf.minimum(1.0, (tf.cast(step, rate.dtype) + 1.0) / self.steps)

  def get_config(self) -> dict[str, Any]:
    """Returns the arguments of an equal schedule."""
    return {"schedule": self.schedule, "steps": self.steps}


def current_learning_rate(optimizer: keras.optimizers.Optimizer) -> float:
  """Returns the learning rate at which an optimizer is, whether or not it follows a schedule."""
  rate = optimizer.learning_rate
  return float(tf.convert_to_tensor(rate(optimizer.iterations) if callable(rate) else rate))


def num_updates(optimizer: keras.optimizers.Optimizer) -> int:
  """Returns the number of updates that an optimizer has made, whether or not its counter is mirrored over replicas."""
  return int(tf.convert_to_tensor(optimizer.iterations))


def _known_optimizers() -> dict[str, type]:
  """Returns the optimizer classes by name: those of Keras, and those that packages register."""
  keras_own = {value.__name__: value for value in vars(keras.optimizers).values() if inspect.isclass(value)}
  candidates = {**keras.utils.get_custom_objects(), **keras_own}
  return {name: value for name, value in candidates.items() if _is_usable(value) and not name.startswith("Custom>")}


def _is_usable(candidate: object) -> bool:
  """Returns whether this is an optimizer class whose required arguments a training configuration has."""
  if not inspect.isclass(candidate) or not hasattr(candidate, "apply_gradients"):
    return False
  parameters = inspect.signature(candidate).parameters
  required = {p.name for p in parameters.values() if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD}
  return "learning_rate" in parameters and required <= {"learning_rate", "weight_decay"}
