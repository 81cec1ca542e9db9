import dataclasses

import pytest

from nao_tf.benchmarks.input_speed import ENDLESS, Speed, pipeline_speed, step_speed
from nao_tf.tasks import make_task
from tests.support.image_cases import TRAINING, make_trainer


def test_rates_follow_from_counts_and_times():
  speed = Speed(examples=500, seconds=2.0, processor_seconds=1.0)
  assert speed.per_second == 250 and speed.processor_microseconds == pytest.approx(2000)


def test_the_input_is_measured_over_as_many_epochs_as_it_takes():
  config = dataclasses.replace(TRAINING, epochs=1, batch_size=500, crop_padding=1, flip=False)
  speed = pipeline_speed(make_task("digits"), config, seed=0, seconds=0.3)
  assert speed.examples > 1150 and speed.examples % 500 == 0 and speed.seconds >= 0.3


def test_the_step_is_measured_on_one_batch():
  trainer = make_trainer(dataclasses.replace(TRAINING, epochs=ENDLESS))
  speed = step_speed(trainer, examples=64, seconds=0.3)
  assert speed.examples == 64 * (trainer.num_steps_done - 5) and 0.3 <= speed.seconds < 20
