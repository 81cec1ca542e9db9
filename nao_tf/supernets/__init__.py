"""Weight sharing: supernets, and how they are trained and scored.

Which supernet is trained depends on the task. A new kind of supernet is a file here and a row below.
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
"""Places of functions like `make_supernet_trainer`, by the place of the class of tasks that they are for."""

__all__ = ["SUPERNET_TRAINERS", "make_supernet_trainer"]


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
  """Returns what trains the networks of all architectures of a space with shared weights.

  Args:
    task: what to learn. The supernet is chosen by its class.
    space: what architectures are drawn from.
    network_config: how large and how regularized the networks are.
    training_config: how the supernet is trained.
    sharing_config: how weights are shared and architectures are scored.
    distribution: the distribution of the process.
    seed: of the weights, of the order of examples and architectures, and of everything else that is drawn at random.

  Raises:
    ValueError: if there is no supernet for such a task, the space or a configuration is of another kind than the supernet
      needs, or the training_config does not fit shared weights, the data or the replicas.
  """
  place = place_for(task, SUPERNET_TRAINERS)
  if place is None:
    known = ", ".join(SUPERNET_TRAINERS)
    raise ValueError(
      f"{task.name}: there is no supernet for a task of the class {place_of(type(task))}; there are supernets for {known}"
    )
  make_trainer = load_place(place, "supernet trainer")
  return make_trainer(
    task, space, network_config, training_config, sharing_config, distribution=distribution, seed=seed
  )
