"""Traits of tasks that are known before their data is read, and from which flags are made. Does not import TensorFlow."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from nao_tf.networks.image_network_config import ImageNetworkConfig
from nao_tf.networks.language_model_config import LanguageModelConfig
from nao_tf.tasks.base import Configs
from nao_tf.training.config import TrainingConfig
from nao_tf.training.language_config import LanguageTrainingConfig

HOLD_OUTS = ("last", "random", "stratified")
"""How a validation set of images can be chosen."""
HOLD_OUT, EARLIER_HOLD_OUT = "stratified", "last"
"""How it is chosen by default, and how it was in version 0.2 and before."""


@dataclasses.dataclass(frozen=True)
class TaskTraits:
  """The attributes of a class of tasks that do not depend on the data; see `nao_tf.tasks.base.Task`.

  Attributes:
    kind: kind of its examples, in one word.
    space: name of the default search space.
    child: default configurations of the candidate networks of a search.
    final: default configurations of the final network.
    final_options: task options that differ for the final training.
    hold_out: default choice of the validation set; None for a task without that option.
    earlier_hold_out: how it was chosen in version 0.2 and before.
  """

  kind: str
  space: str
  child: Configs
  final: Configs
  final_options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
  hold_out: str | None = None
  earlier_hold_out: str | None = None

  @classmethod
  def of(cls, task: object) -> "TaskTraits":
    """Returns the traits of a class of tasks."""
    return cls(**{field.name: getattr(task, field.name) for field in dataclasses.fields(cls)})


# The children of the search of the paper, and the training of its CIFAR-10 networks (section 4.1 and its release).
IMAGES = TaskTraits(
  "images",
  "nasnet5",
  Configs(ImageNetworkConfig(num_cells=3, filters=32, dropout_keep=1.0), TrainingConfig()),
  Configs(ImageNetworkConfig(), TrainingConfig(epochs=600, cutout_size=16)),
  final_options={"validation_fraction": 0.0},
  hold_out=HOLD_OUT,
  earlier_hold_out=EARLIER_HOLD_OUT,
)
"""Of the classification of images."""

IMAGENET_HOLD_OUT = "last"
"""ImageNet is stored in random order, so its last images are random ones, and no classes need be read to find them."""

# The training of NAO's networks on ImageNet in its PyTorch releases. The size of the children is ours.
_IMAGENET_TRAINING = TrainingConfig(
  epochs=250,
  learning_rate=0.1,
  scale_learning_rate=128,
  nesterov=False,
  schedule="exponential",
  weight_decay=3e-5,
  label_smoothing=0.1,
  color_jitter=0.4,
  hue_jitter=0.2,
  evaluation_batch_size=128,
)
_IMAGENET_NETWORK = ImageNetworkConfig(num_cells=4, filters=42, stem="imagenet", drop_path_keep=1.0, dropout_keep=1.0)
IMAGENET = dataclasses.replace(
  IMAGES,
  child=Configs(
    dataclasses.replace(_IMAGENET_NETWORK, num_cells=2, filters=16), dataclasses.replace(_IMAGENET_TRAINING, epochs=10)
  ),
  final=Configs(_IMAGENET_NETWORK, _IMAGENET_TRAINING),
  hold_out=IMAGENET_HOLD_OUT,
)
"""Of the classification of ImageNet."""

DIGITS = dataclasses.replace(IMAGES, earlier_hold_out=HOLD_OUT)
"""Of the classification of handwritten digits."""

TEXT = TaskTraits(
  "text",
  "rnn12",
  Configs(LanguageModelConfig(), LanguageTrainingConfig(epochs=600)),
  Configs(LanguageModelConfig(), LanguageTrainingConfig(epochs=4000)),
)
"""Of language modeling."""
