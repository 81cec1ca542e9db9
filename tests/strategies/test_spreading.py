from nao_tf.benchmarks.synthetic_spaces import Branches, Ternary, Widths
from nao_tf.strategies.spreading import least_alike


def test_the_candidate_that_is_least_like_the_others_is_taken():
  others = [8 * (0,), 8 * (1,)]
  assert least_alike(Ternary(), [8 * (0,), (2, 2, 2, 0, 0, 1, 1, 1), 8 * (2,)], others) == 8 * (2,)


def test_without_others_it_is_the_first():
  assert least_alike(Ternary(), [8 * (2,), 8 * (0,)], []) == 8 * (2,)


def test_ordered_choices_count_by_their_distance():
  assert least_alike(Widths(), [8 * (1,), 8 * (3,)], [8 * (0,)]) == 8 * (3,)


def test_another_encoding_of_the_same_network_is_as_alike_as_can_be():
  one, permuted = (0, 1, 2, 3, 1, 4, 0, 2), (1, 4, 0, 2, 0, 1, 2, 3)
  assert least_alike(Branches(), [permuted, (2, 2, 2, 3, 1, 4, 0, 0)], [one]) != permuted
