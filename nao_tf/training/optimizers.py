"""Optimizers and learning rates by name, for any recipe.

TensorFlow Addons, where it is installed, registers further optimizers under names such as "Addons>LAMB". It is imported
here and nowhere else, and only when such a name is asked for.
"""

import importlib
import importlib.util
import inspect

import tensorflow as tf
from tensorflow import keras

from nao_tf.training.config import TrainingConfig

ADDONS_PREFIX = "Addons>"
_ADDONS_MODULE = "tensorflow_addons"
_ELEMENTWISE = ("Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lion", "Nadam", "RMSprop", "SGD")


def register_addons() -> bool:
  """Makes what TensorFlow Addons registers (optimizers, activations, layers) selectable by name, if it is installed.

  Returns:
    Whether it is.
  """
  if importlib.util.find_spec(_ADDONS_MODULE) is None:
    return False
  importlib.import_module(_ADDONS_MODULE)
  return True


def optimizer_class(name: str) -> type:
  """Returns the optimizer class of a name.

  Args:
    name: of an optimizer of Keras, in any case, or a registered one, such as "Addons>LAMB".

  Raises:
    ValueError: if there is none that can be made without further arguments; for a name of TensorFlow Addons, if that is
      not installed.
  """
  if name.startswith(ADDONS_PREFIX) and not register_addons():
    raise ValueError(
      f"optimizer {name!r} needs TensorFlow Addons, which is not installed (see requirements-addons.txt)"
    )
  known = _known_optimizers()
  found = next((cls for key, cls in known.items() if key.lower() == name.lower()), None)
  if found is None:
    raise ValueError(f"unknown optimizer {name!r}; expected one of {', '.join(sorted(known))}")
  return found


def decays_weights_itself(name: str) -> bool:
  """Whether an optimizer has a weight decay of its own, apart from the gradients, as AdamW has."""
  parameter = inspect.signature(optimizer_class(name)).parameters.get("weight_decay")
  return parameter is not None and parameter.default not in (None, 0)


def is_elementwise(name: str) -> bool:
  """Whether an optimizer updates each number by itself, so that it does not matter how they are grouped in variables."""
  return optimizer_class(name).__name__ in _ELEMENTWISE and not name.startswith(ADDONS_PREFIX)


def make_optimizer(config: TrainingConfig, steps_per_epoch: int) -> keras.optimizers.Optimizer:
  """Returns the recipe's optimizer; it takes those of the recipe's options that the optimizer knows.

  Clipping is not among them, nor is weight decay unless the optimizer `decays_weights_itself`: the training step does
  both, alike for every optimizer.

  Args:
    config: names the optimizer and the schedule.
    steps_per_epoch: converts epochs to steps.
  """
  cls = optimizer_class(config.optimizer)
  names = ("momentum", "nesterov") + (("weight_decay",) if decays_weights_itself(config.optimizer) else ())
  options = {name: getattr(config, name) for name in names if name in inspect.signature(cls).parameters}
  return cls(learning_rate=learning_rate(config, steps_per_epoch), **options)


def learning_rate(config: TrainingConfig, steps_per_epoch: int):
  """Returns the learning rate: a schedule over steps, or a number if it is constant.

  The cosine goes from `learning_rate` to `min_learning_rate` in a period and starts again, each time
  `cosine_period_growth` times as long (SGDR, Loshchilov and Hutter, ICLR 2017, equation 5).
  """
  if config.schedule == "constant":
    return config.learning_rate
  floor = config.min_learning_rate / config.learning_rate
  steps = (config.cosine_period_epochs or config.epochs) * steps_per_epoch
  if steps >= config.epochs * steps_per_epoch:
    return keras.optimizers.schedules.CosineDecay(config.learning_rate, steps, alpha=floor)
  return keras.optimizers.schedules.CosineDecayRestarts(
    config.learning_rate, steps, t_mul=config.cosine_period_growth, alpha=floor
  )


def _known_optimizers() -> dict[str, type]:
  """Returns optimizer classes by name: those of Keras, and what packages register."""
  keras_own = {value.__name__: value for value in vars(keras.optimizers).values() if inspect.isclass(value)}
  candidates = {**keras.utils.get_custom_objects(), **keras_own}
  return {name: value for name, value in candidates.items() if _is_usable(value) and not name.startswith("Custom>")}


def _is_usable(candidate) -> bool:
  """Whether this is an optimizer class that the recipe has all arguments for."""
  if not inspect.isclass(candidate) or not hasattr(candidate, "apply_gradients"):
    return False
  parameters = inspect.signature(candidate).parameters
  required = {p.name for p in parameters.values() if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD}
  return "learning_rate" in parameters and required <= {"learning_rate", "weight_decay"}


def num_updates(optimizer: keras.optimizers.Optimizer) -> int:
  """Returns how many updates an optimizer has made; under a distribution strategy its counter is mirrored."""
  return int(tf.convert_to_tensor(optimizer.iterations))
