"""Classification of ImageNet (ILSVRC 2012): 1,281,167 photographs to train on and 50,000 to test, in 1,000 classes."""

from typing import Any

from nao_tf.tasks.image_classification import TfdsClassification
from nao_tf.tasks.traits import IMAGENET, IMAGENET_HOLD_OUT


class ImagenetClassification(TfdsClassification):
  """Classification of ImageNet, or of a set of photographs that is trained on as ImageNet is.

  The images that the challenge calls its validation set are the test images here, since those of its test set have no
  labels. So they are not looked at before a training has ended.
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
