import numpy as np
import pytest

from nao_tf.tuner.cell_space import CellSpace
from tests.support.toys import ToySpace


def test_a_space_of_cells_keeps_its_encodings_and_rules():
  space, cells = CellSpace(ToySpace()), ToySpace()
  assert space.canonical((2, 1, 0, 1)) == cells.canonical((2, 1, 0, 1)) == (1, 2, 0, 1)
  assert not space.is_valid((0, 0, 0, 0))
  assert space.decode((2, 1, 0, 1)) == {"00 part": 2, "01 part": 1, "02 mode": 0, "03 mode": 1}
  assert space.encode(space.decode((2, 1, 0, 1))) == (2, 1, 0, 1)
  with pytest.raises(ValueError, match="no value for 03 mode"):
    space.encode({"00 part": 2, "01 part": 1, "02 mode": 0})


@pytest.mark.parametrize("choice", [2, 2.0, np.int64(2), np.float32(2), np.array(2)])
def test_choices_of_other_types_are_the_same_architecture(choice):
  architecture = CellSpace(ToySpace()).encode({"00 part": choice, "01 part": 1, "02 mode": 0, "03 mode": 1})
  assert architecture == (2, 1, 0, 1) and all(type(number) is int for number in architecture)


@pytest.mark.parametrize("choice", [True, "2", 1.5, 3, -1, None, [2], float("nan")])
def test_what_is_no_choice_is_refused(choice):
  with pytest.raises(ValueError, match="part"):
    CellSpace(ToySpace()).encode({"00 part": choice, "01 part": 1, "02 mode": 0, "03 mode": 1})
