import pytest

from nao_tf.tasks.published_sets import PUBLISHED_SETS, planned_task
from nao_tf.training.config import TrainingConfig


def test_a_plan_is_made_with_the_published_sizes():
  task = planned_task("imagenet2012", validation_fraction=0.0, train_examples=None)
  assert task.input_shape == (224, 224, 3) and task.num_outputs == 1000 and task.has_test_data()
  assert [task.num_examples(split) for split in ("train", "valid", "test")] == [1_281_167, 0, 50_000]
  assert task.steps_per_epoch(TrainingConfig(batch_size=128)) == 10_009
  small = planned_task("cifar10", image_size=16, train_examples=1000)
  assert small.input_shape == (16, 16, 3) and [small.num_examples(s) for s in ("train", "valid")] == [1000, 5000]


def test_other_sets_have_no_plan_and_no_image_can_be_read():
  assert planned_task("digits") is None and len(PUBLISHED_SETS) == 4
  with pytest.raises(ValueError, match="train images are not here"):
    next(iter(planned_task("cifar100").training_batches(TrainingConfig(), seed=0)))
