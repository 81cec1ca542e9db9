"""A task that a user writes outside the package, named by its place, `tests.support.outside_task:FewDigits`."""

from nao_tf.tasks.image_classification import DigitsClassification


class FewDigits(DigitsClassification):
  """Handwritten digits, few of which are trained on if nothing else is said."""

  def __init__(self, name, *, train_examples=128, **options):
    super().__init__(name, train_examples=train_examples, **options)
