"""ImageNet classification (ILSVRC 2012): 1,281,167 training and 50,000 test photographs in 1,000 classes."""

from typing import Any

from nao_tf.tasks.image_classification import TfdsClassification
from nao_tf.tasks.traits import IMAGENET, IMAGENET_HOLD_OUT


class ImagenetClassification(TfdsClassification):
  """Classification of ImageNet, or of another set of photographs with the training procedure of ImageNet.

  The official validation set is used as the test set here, since the official test set has no labels. So it is not used
  before a training has ended.
  """

  child = IMAGENET.child
  final = IMAGENET.final
  hold_out: str = IMAGENET_HOLD_OUT

  def __init__(self, name: str = "imagenet2012", *, photographs: bool = True, **options: Any):
    """Opens the set; reads no image yet.

    Args:
      name: name of the set in TensorFlow Datasets.
      photographs: see `TfdsClassification`.
      **options: further options of `TfdsClassification`.

    Raises:
      ValueError: if there is no such set, or an option is out of range.
      FileNotFoundError: if the set is missing.
    """
    super().__init__(name, photographs=photographs, **options)
