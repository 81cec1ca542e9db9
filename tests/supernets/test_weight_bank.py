import numpy as np
import pytest
import tensorflow as tf

from nao_tf.supernets.weight_bank import ALWAYS, EMPTY, Candidate, ChoiceBlock, WeightBank


def array(*values):
  return np.array(values, np.float32)


BANK = WeightBank(
  [
    [ChoiceBlock(ALWAYS, [Candidate(array(1, 2, 3), 4)])],
    [
      ChoiceBlock(1, [EMPTY, Candidate(array(4))]),
      ChoiceBlock(2, [Candidate(array(5, 6), 2), Candidate(array(7, 8), 1, key="shared")]),
    ],
    [ChoiceBlock(1, [Candidate(array(7, 8), key="shared"), EMPTY])],
  ]
)


def path(*selectors):
  return BANK.path(tf.constant([0, *selectors]))


def values(*selectors):
  return tf.gather(BANK.initial(), path(*selectors).positions).numpy().tolist()


def test_a_path_has_the_chosen_candidates_unit_after_unit():
  assert values(0, 0) == [1, 2, 3, 5, 6, 7, 8]
  assert values(1, 0) == [1, 2, 3, 4, 5, 6]
  assert values(1, 1) == [1, 2, 3, 4, 7, 8]


def test_a_path_knows_the_sizes_of_units():
  np.testing.assert_array_equal(path(0, 0).sizes, [3, 2, 2])
  np.testing.assert_array_equal(path(1, 1).sizes, [3, 3, 0])
  np.testing.assert_array_equal(path(0, 0).statistic_sizes, [4, 2, 0])


def test_candidates_of_one_key_share_their_place():
  assert BANK.num_weights == 3 + 1 + 2 + 2
  assert path(0, 1).positions.numpy()[-2:].tolist() == path(0, 1).positions.numpy()[3:5].tolist()


def test_the_longest_path_is_bounded():
  assert BANK.max_path == 3 + (1 + 2) + 2
  assert BANK.max_statistics == 4 + 2


def test_one_graph_serves_all_paths():
  function = tf.function(lambda selectors: BANK.path(selectors).positions)
  lengths = {len(function(tf.constant([0, a, b]))) for a in (0, 1) for b in (0, 1)}
  assert lengths == {6, 7} and function.experimental_get_tracing_count() == 1


def test_equal_weights_without_a_key_are_not_shared():
  bank = WeightBank([[ChoiceBlock(1, [Candidate(array(1, 2))] * 2)]])
  assert bank.initial().tolist() == [1, 2, 1, 2]


def test_candidates_of_one_key_must_have_as_many_weights():
  with pytest.raises(ValueError, match="candidates of the key 'conv' have 2 and 3 weights"):
    WeightBank([[ChoiceBlock(1, [Candidate(array(1, 2), key="conv"), Candidate(array(1, 2, 3), key="conv")])]])
