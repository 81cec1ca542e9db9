import pytest

from nao_tf.tasks.array_source import ArraySource
from nao_tf.tasks.own_images import OwnImages
from nao_tf.training.config import TrainingConfig
from tests.support import shapes


def task(**options):
  images, names = shapes.shape_arrays(4, **options)
  return OwnImages("own", ArraySource(images, names, place="own"))


@pytest.mark.parametrize(("size", "padding"), [((6, 40), 0), ((16, 16), 2), ((64, 80), 4)])
def test_images_are_padded_by_their_size_and_not_mirrored(size, padding):
  completed = task(size=size).complete_training_config(TrainingConfig())
  assert completed.crop_padding == padding and completed.flip is False


def test_a_task_tells_its_images_from_others():
  assert task().fingerprint == task().fingerprint != task(channels=1).fingerprint
