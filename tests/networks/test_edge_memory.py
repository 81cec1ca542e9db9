import pytest

from nao_tf.networks.edge_memory import Term, peak_values
from nao_tf.networks.layer_costs import Cost

SHAPE = (2, 2, 3)
SIZE = 12
IDENTITY, WRITES = Cost(SHAPE), Cost(SHAPE, written=SIZE)


@pytest.mark.parametrize(
  ("terms", "summed", "concatenated"),
  [
    ({1: [Term(0, IDENTITY)]}, 0, 0),
    ({1: [Term(0, WRITES)]}, 1, 1),
    ({1: [Term(0, WRITES)], 2: [Term(1, WRITES)], 3: [Term(2, WRITES)]}, 2, 2),  # Node 1 is free after node 2.
    ({1: [Term(0, WRITES), Term(0, WRITES)]}, 2, 4),
    ({1: [Term(0, WRITES)], 2: [Term(0, IDENTITY), Term(1, IDENTITY)]}, 2, 4),
  ],
)
def test_states_are_kept_until_they_are_read_for_the_last_time(terms, summed, concatenated):
  assert peak_values(terms, SIZE, concatenated=False) == summed * SIZE
  assert peak_values(terms, SIZE, concatenated=True) == concatenated * SIZE
