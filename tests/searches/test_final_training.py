import pytest
import tensorflow as tf

from nao_tf.runs.run_lock import RunLock
from nao_tf.runs.settings import RunDirectoryError, read_settings
from nao_tf.searches.final_training import check_begun, train_in_directory, training_settings
from nao_tf.serving import read_exporter
from nao_tf.tasks import make_task
from nao_tf.tasks.base import Configs
from nao_tf.training.config import TrainingConfig
from tests.support.image_cases import GENOTYPE, NETWORK

CONFIGS = Configs(NETWORK, TrainingConfig(epochs=1, batch_size=64))
SETTINGS = {"task": "digits", **training_settings(GENOTYPE, CONFIGS, 3)}


def test_a_training_records_its_settings_and_its_task(tmp_path):
  directory = str(tmp_path)
  check_begun(directory, SETTINGS)
  with RunLock(directory) as lock:
    trainer = train_in_directory(
      directory,
      make_task("digits", train_examples=64),
      GENOTYPE,
      CONFIGS,
      distribution=tf.distribute.get_strategy(),
      seed=3,
      lock=lock,
      settings=SETTINGS,
    )
  assert trainer.num_steps_done == 1 and read_settings(directory) == SETTINGS
  assert read_exporter(directory).task.name == "digits"
  check_begun(directory, SETTINGS)
  with pytest.raises(RunDirectoryError, match="seed was 3, is 4"):
    check_begun(directory, {**SETTINGS, "seed": 4})
