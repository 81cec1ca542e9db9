from nao_tf.supernets.shared_cell import StateKinds
from nao_tf.supernets.shared_operations import StateKind

LARGE, SMALL = StateKind((None, 8, 8, 4), 2), StateKind((None, 4, 4, 4), 1)


def test_states_are_sorted_by_kind_in_their_order():
  states = StateKinds.of([LARGE, LARGE, SMALL, LARGE, SMALL])
  assert states.kinds == (LARGE, SMALL)
  assert states.kind_of.tolist() == [0, 0, 1, 0, 1]
  assert states.place_of.tolist() == [0, 1, 0, 2, 1]
