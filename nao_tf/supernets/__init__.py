"""Weight sharing: supernets, and how to train them and score architectures with them.

The class of the task determines the supernet. To add a kind of supernet, add a file in this folder and a row below.
"""

from typing import TYPE_CHECKING, Any

from nao_tf.registries import load_place, place_for, place_of

if TYPE_CHECKING:
  import tensorflow as tf

  from nao_tf.spaces.base import SearchSpace
  from nao_tf.supernets.config import SharingConfig
  from nao_tf.supernets.supernet_trainer import SupernetTrainer
  from nao_tf.tasks.base import Task

SUPERNET_TRAINERS = {
  "nao_tf.tasks.base:BatchTask": "nao_tf.supernets.image_supernet_trainer:make_image_supernet_trainer",
  "nao_tf.tasks.base:StreamTask": "nao_tf.supernets.recurrent_supernet_trainer:make_recurrent_supernet_trainer",
}
"""Import paths of functions like `make_supernet_trainer`, by the import path of the class of tasks that they are for."""

SUPERNET_CHECKS = {
  "nao_tf.tasks.base:BatchTask": "nao_tf.supernets.image_supernet_trainer:check_image_supernet",
  "nao_tf.tasks.base:StreamTask": "nao_tf.supernets.recurrent_supernet_trainer:check_recurrent_supernet",
}
"""Import paths of functions like `check_supernet`, by the same classes. A class may be missing."""

__all__ = ["SUPERNET_CHECKS", "SUPERNET_TRAINERS", "check_supernet", "make_supernet_trainer"]


def make_supernet_trainer(
  task: "Task",
  space: "SearchSpace",
  network_config: Any,
  training_config: Any,
  sharing_config: "SharingConfig",
  *,
  distribution: "tf.distribute.Strategy",
  seed: int,
) -> "SupernetTrainer":
  """Returns a trainer of a supernet, whose shared weights serve all architectures of a search space.

  Args:
    task: the task to train on. Its class determines the supernet.
    space: the search space that architectures are sampled from.
    network_config: size and regularization of the networks.
    training_config: how the supernet is trained.
    sharing_config: how weights are shared and architectures are scored.
    distribution: the `tf.distribute.Strategy` to train with.
    seed: random seed of the weights, the order of examples and architectures, and all other randomness.

  Raises:
    ValueError: if there is no supernet for the task, the space or a configuration has the wrong type for the supernet,
      or training_config is incompatible with shared weights, the data or the number of replicas.
  """
  make_trainer = load_place(_place_of_trainer(task), "supernet trainer")
  return make_trainer(
    task, space, network_config, training_config, sharing_config, distribution=distribution, seed=seed
  )


def check_supernet(
  task: "Task", space: "SearchSpace", network_config: Any, training_config: Any, *, num_replicas: int = 1
) -> None:
  """Checks that `make_supernet_trainer` can make a supernet, without making one.

  Args:
    task: the task to train on.
    space: the search space that architectures are sampled from.
    network_config: size and regularization of the networks.
    training_config: how the supernet is trained.
    num_replicas: number of replicas of the distribution.

  Raises:
    ValueError: if there is no supernet for the task, or one of the others is incompatible with shared weights.
  """
  _place_of_trainer(task)
  place = place_for(task, SUPERNET_CHECKS)
  if place is not None:
    load_place(place, "check of a supernet")(task, space, network_config, training_config, num_replicas=num_replicas)


def _place_of_trainer(task: "Task") -> str:
  """Returns the import path of what makes supernet trainers for a task; a ValueError if there is nothing."""
  place = place_for(task, SUPERNET_TRAINERS)
  if place is None:
    known = ", ".join(SUPERNET_TRAINERS)
    raise ValueError(
      f"{task.name}: there is no supernet for a task of the class {place_of(type(task))}; there are supernets for {known}"
    )
  return place
