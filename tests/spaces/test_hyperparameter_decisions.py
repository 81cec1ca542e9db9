"""One hyperparameter as decisions: which values it reaches, and the encodings of these."""

import keras_tuner
import numpy as np
import pytest

from nao_tf.spaces.base import Decision
from nao_tf.spaces.hyperparameter_decisions import COARSE_SIZE, FINE_SIZE, Constant, Listed, Range, make_parameters
from nao_tf.spaces.hyperparameters import HyperParameterSpace


def one(kind, *args, **kwargs):
  """Returns the space of a single hyperparameter named x."""
  hp = keras_tuner.HyperParameters()
  getattr(hp, kind)("x", *args, **kwargs)
  return HyperParameterSpace(hp)


def reachable(space):
  """Returns all values of a single hyperparameter, ascending."""
  grid = np.ndindex(*(decision.size for decision in space.decisions))
  return sorted({space.decode(tuple(int(c) for c in choices))["x"] for choices in grid})


@pytest.mark.parametrize(
  "space, expected",
  [
    (one("Choice", ["b", "a", "c"]), ["a", "b", "c"]),
    (one("Choice", [3, 1, 3]), [1, 3]),
    (one("Boolean"), [False, True]),
    (one("Fixed", 7), [7]),
    (one("Int", 2, 5), [2, 3, 4, 5]),
    (one("Int", 3, 3), [3]),
    (one("Int", 6, 13, step=3), [6, 9, 12]),
    (one("Int", 2, 32, step=2, sampling="log"), [2, 4, 8, 16, 32]),
    (one("Float", 0, 10, step=3), [0.0, 3.0, 6.0, 9.0]),
    (one("Float", 0.5, 0.5), [0.5]),
  ],
)
def test_a_hyperparameter_with_few_values_has_exactly_these(space, expected):
  assert reachable(space) == expected
  assert len(space.decisions) == (len(expected) > 1)


def test_a_linear_range_is_even_and_has_its_ends():
  values = reachable(one("Float", -1, 1))
  assert values[0] == -1 and values[-1] == 1
  assert np.diff(values) == pytest.approx(2 / 40)


def test_a_logarithmic_range_is_even_in_the_logarithm():
  values = reachable(one("Float", 1e-4, 1, sampling="log"))
  assert (values[0], values[-1]) == (1e-4, 1)
  assert np.diff(np.log10(values)) == pytest.approx(4 / 40)


def test_a_reversed_logarithmic_range_is_dense_at_its_upper_end():
  values = reachable(one("Float", 1, 100, sampling="reverse_log"))
  assert (values[0], values[-1]) == (1, pytest.approx(100))
  assert np.median(values) > 90


def test_a_wide_integer_range_has_integers_of_its_step():
  values = reachable(one("Int", 0, 3000, step=3))
  assert all(type(value) is int and value % 3 == 0 for value in values)
  assert values[0] == 0 and values[-1] == 3000 and len(values) == 41


def test_logarithmic_sampling_of_integers_prefers_small_ones():
  space, rng = one("Int", 1, 10000, sampling="log"), np.random.default_rng(0)
  values = [space.decode(space.sample(rng))["x"] for _ in range(2000)]
  assert 70 < np.median(values) < 140


def test_refining_keeps_every_value_and_adds_some():
  for coarse in (one("Float", 1e-4, 1, sampling="log"), one("Int", 0, 3000, step=3)):
    hp = keras_tuner.HyperParameters()
    hp.merge([coarse._parameters[0]._hyperparameter])
    fine = HyperParameterSpace(hp, refinements=2)
    assert set(reachable(coarse)) < set(reachable(fine))


def test_refinements_of_a_value_are_the_same_when_unrefined():
  space = one("Float", 0.0, 8.0)
  places = [space.unrefined(space.encode({"x": value})) for value in (2.6, 3.0, 3.4, 3.6)]
  assert space.is_refined and places[0] == places[1] == places[2] != places[3]
  assert not one("Choice", ["a", "b"]).is_refined


def test_every_integer_of_a_range_is_reached_in_time():
  hp = keras_tuner.HyperParameters()
  hp.Int("x", 1, 500)
  assert reachable(HyperParameterSpace(hp, refinements=3)) == list(range(1, 501))


def test_a_value_between_the_grid_becomes_the_nearest_one():
  space = one("Float", 0, 1)
  assert space.decode(space.encode({"x": 0.512})) == {"x": pytest.approx(0.5)}
  assert space.decode(space.encode({"x": 0.513})) == {"x": pytest.approx(0.525)}


def test_a_value_that_is_missing_becomes_the_default_and_an_unknown_one_is_ignored():
  space = one("Int", 0, 5, default=4)
  assert space.decode(space.encode({"y": 1})) == {"x": 4}


@pytest.mark.parametrize(
  "space, value",
  [
    (one("Choice", ["a", "b"]), "c"),
    (one("Float", 0, 1), 1.1),
    (one("Float", 0, 1), "0.5"),
    (one("Int", 0, 100), float("nan")),
    (one("Int", 0, 100), True),
    (one("Fixed", 1), 2),
  ],
)
def test_a_value_that_is_none_of_the_hyperparameters_is_refused(space, value):
  with pytest.raises(ValueError, match=r"hyperparameter 'x': expected .* got"):
    space.encode({"x": value})


def test_namesakes_under_different_conditions_share_a_value_and_no_tokens():
  hp = keras_tuner.HyperParameters()
  hp.Choice("kind", ["small", "large"])
  with hp.conditional_scope("kind", ["small"]):
    hp.Choice("units", [1, 2])
  with hp.conditional_scope("kind", ["large"]):
    hp.Choice("units", [100, 200])
  space = HyperParameterSpace(hp)
  assert {decision.kind for decision in space.decisions} == {"kind", "units", "units, 2"}
  assert space.decode((0, 1, 0)) == {"kind": "small", "units": 2}
  assert space.decode((1, 1, 0)) == {"kind": "large", "units": 100}
  assert space.encode({"kind": "large", "units": 200}) == (1, 0, 1)


def test_a_default_outside_the_range_is_replaced():
  assert one("Int", 2, 10, default=1).encode({}) == (0,)


def parameters(refinements=1):
  """Returns a constant, a short list and a range as decisions."""
  hp = keras_tuner.HyperParameters()
  hp.Fixed("constant", 7)
  hp.Choice("listed", [4, 2, 1], default=2)
  hp.Float("range", 0.0, 8.0, default=3.0)
  return make_parameters(hp.space, refinements)


def test_there_is_a_form_for_each_number_of_values():
  assert [type(parameter) for parameter in parameters()] == [Constant, Listed, Range]
  constant, listed, range_ = parameters(refinements=2)
  assert constant.decisions == ()
  assert listed.decisions == (Decision("listed", 3, ordered=True),)
  assert [(decision.size, decision.reach) for decision in range_.decisions] == [
    (COARSE_SIZE, 1.0),
    (FINE_SIZE, 1 / FINE_SIZE),
    (FINE_SIZE, 1 / FINE_SIZE**2),
  ]


@pytest.mark.parametrize("number", range(3))
def test_choices_of_a_value_stand_for_it_and_are_the_simplest(number):
  parameter = parameters()[number]
  for value, choices in parameter.encodings.items():
    assert parameter.value(choices) == value
    assert parameter.choices(value) == parameter.simplest(choices) == choices


def test_the_simplest_choices_need_no_refinement_where_the_coarse_position_is_enough():
  range_ = parameters()[2]
  assert range_.choices(3.0) == range_.default == (3, FINE_SIZE // 2)


def test_a_hyperparameter_is_active_if_its_conditions_hold_and_its_name_is_new():
  hp = keras_tuner.HyperParameters()
  hp.Choice("kind", ["a", "b"])
  with hp.conditional_scope("kind", ["a"]):
    hp.Int("units", 1, 3)
  _, units = make_parameters(hp.space, 0)
  assert units.names == {"kind", "units"}
  assert units.is_active({"kind": "a"})
  assert not units.is_active({"kind": "b"}) and not units.is_active({"kind": "a", "units": 2})


@pytest.mark.parametrize(
  "hyperparameter, ordered",
  [
    (one("Choice", [1, 2, 3]), True),
    (one("Choice", [3, 2, 1]), True),
    (one("Choice", [1, 3, 2]), False),
    (one("Choice", [1, 2, 3], ordered=False), False),
    (one("Choice", [1, 2]), False),
    (one("Choice", ["a", "b", "c"]), False),
    (one("Boolean"), False),
    (one("Int", 1, 5), True),
  ],
)
def test_three_or_more_numbers_in_order_are_ordered(hyperparameter, ordered):
  assert hyperparameter.decisions[0].ordered == ordered
