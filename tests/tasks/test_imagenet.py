import io

import numpy as np
import pytest
import tensorflow_datasets as tfds

from nao_tf.tasks import TRAITS, TaskTraits, make_task
from nao_tf.tasks.imagenet import ImagenetClassification
from tests.support.photographs import NAMES, jpeg
from tests.support.tfds_sets import write_set


def test_what_is_known_of_the_task_is_what_its_class_says():
  assert TRAITS["nao_tf.tasks.imagenet:ImagenetClassification"] == TaskTraits.of(ImagenetClassification)
  final = ImagenetClassification.final
  assert (final.network_config.stem, final.training_config.label_smoothing) == ("imagenet", 0.1)


def test_the_set_must_be_there(tmp_path):
  with pytest.raises(FileNotFoundError, match="no data for 'imagenet2012'"):
    make_task("imagenet2012", data_dir=str(tmp_path))


def test_a_set_of_photographs_is_divided_without_looking_at_its_classes(tmp_path):
  feature = tfds.features.Image(shape=(None, None, 3), encoding_format="jpeg")
  pictures = [(io.BytesIO(jpeg(number)), number % len(NAMES)) for number in range(20)]
  splits = {"train": pictures, "validation": pictures[:6]}
  directory = write_set(tmp_path, "small_imagenet", splits, feature=feature, classes=NAMES)
  task = ImagenetClassification("small_imagenet", data_dir=directory, image_size=16)
  assert [task.num_examples(split) for split in ("train", "valid", "test")] == [18, 2, 6]
  ((_, labels),) = task.raw_batches("valid", 2)
  np.testing.assert_array_equal(np.sort(labels), [0, 1])
  assert task.complete_training_config(task.final.training_config).flip
