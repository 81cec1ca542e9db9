import pytest

from nao_tf.tasks.published_sets import PUBLISHED_SETS, make_planned_task
from nao_tf.training.config import TrainingConfig
from nao_tf.training.language_config import LanguageTrainingConfig


def test_a_plan_is_made_with_the_published_sizes():
  task = make_planned_task("imagenet2012", validation_fraction=0.0, train_examples=None)
  assert task.input_shape == (224, 224, 3) and task.num_outputs == 1000 and task.has_test_data()
  assert [task.num_examples(split) for split in ("train", "valid", "test")] == [1_281_167, 0, 50_000]
  assert task.steps_per_epoch(TrainingConfig(batch_size=128)) == 10_009
  small = make_planned_task("cifar10", image_size=16, train_examples=1000)
  assert small.input_shape == (16, 16, 3) and [small.num_examples(s) for s in ("train", "valid")] == [1000, 5000]


def test_a_text_is_planned_with_its_published_tokens():
  task = make_planned_task("ptb", max_vocabulary=None)
  assert task.num_outputs == 10_000 and task.has_test_data()
  assert [task.num_examples(split) for split in ("train", "valid", "test")] == [929_589, 73_760, 82_430]
  assert task.steps_per_epoch(LanguageTrainingConfig(batch_size=64)) == 415
  small = make_planned_task("wikitext2", max_vocabulary=100, train_examples=640)
  assert small.num_outputs == 100 and small.num_examples("train") == 640
  with pytest.raises(ValueError, match="there are only 929589 tokens"):
    make_planned_task("ptb", train_examples=1_000_000).num_examples("train")
  with pytest.raises(ValueError, match="the train text is not available"):
    task.training_streams(2)


def test_no_image_can_be_read():
  assert len(PUBLISHED_SETS) == 4
  with pytest.raises(ValueError, match="train images are not available"):
    next(iter(make_planned_task("cifar100").training_batches(TrainingConfig(), seed=0)))
