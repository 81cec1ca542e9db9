import numpy as np
import tensorflow as tf

from nao_tf.training.micro_batches import draw_number, micro_batch


def test_every_step_and_part_has_a_draw_of_its_own():
  numbers = []
  for step in range(3):
    for part in range(4):
      with micro_batch(part, 4):
        numbers.append(int(draw_number(step)))
  assert len(set(numbers)) == 12


def test_without_parts_the_number_is_that_of_the_step():
  np.testing.assert_array_equal([int(draw_number(tf.constant(step))) for step in range(3)], range(3))
