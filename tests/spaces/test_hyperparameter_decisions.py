"""One hyperparameter as decisions: which values it reaches, and the encodings of these."""

import json

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


# Grids of floats.

GRIDS = [
  ("Float", (0, 0.5), {"step": 0.1}),
  ("Float", (0, 3), {"step": 0.1}),
  ("Float", (-0.7, 0.7), {"step": 0.1}),
  ("Float", (0, 3e-4), {"step": 1e-5}),
  ("Float", (0, 1e9), {"step": 1e8}),
  ("Float", (0, 1), {"step": 0.3}),
  ("Float", (1e-3, 1), {"step": 10, "sampling": "log"}),
  ("Float", (1e-3, 1), {"step": 1.25, "sampling": "log"}),
  ("Float", (0.1, 0.9), {"step": 3, "sampling": "reverse_log"}),
  ("Int", (-3, 40), {}),
  ("Int", (6, 13), {"step": 3}),
  ("Int", (-10, 100), {"step": 5}),
  ("Int", (1, 1000), {"step": 10, "sampling": "log"}),
  ("Int", (1, 1000), {"step": 10, "sampling": "reverse_log"}),
  ("Int", (1, 40), {"sampling": "log"}),
  ("Int", (1, 40), {"sampling": "reverse_log"}),
  ("Choice", ([0.1, 0.2, 0.7],), {}),
  ("Choice", ([3, 1, 2],), {}),
  ("Choice", (["1", "1.0", "True"],), {}),
  ("Choice", ([True, False],), {}),
  ("Boolean", (), {}),
  ("Fixed", (0.1,), {}),
  ("Fixed", (True,), {}),
  ("Float", (0.1, 0.1), {}),
]


def all_values(kind, args, options):
  """Returns every value that KerasTuner's documentation promises, by exact counting."""
  if kind == "Boolean" or kind == "Choice":
    return list(args[0]) if args else [True, False]
  if kind == "Fixed" or args[0] == args[1]:
    return [args[0]]
  low, high = args
  step, sampling = options.get("step", 1), options.get("sampling", "linear")
  if sampling == "linear" or "step" not in options:
    return [low + i * step for i in range(10**4) if low + i * step <= high + step * 1e-6]
  powers = [low * step**i for i in range(100) if low * step**i <= high * (1 + 1e-9)]
  return powers if sampling == "log" else [high + low - power for power in powers]


def exhausted(kind, args, options):
  """Returns all that a search proposes that refines its grid as long as it can."""
  hp = keras_tuner.HyperParameters()
  getattr(hp, kind)("x", *args, **options)
  space = HyperParameterSpace(hp)
  while space.refinable:
    space = HyperParameterSpace(hp, refinements=space.refinements + 1)
  return [space.decode(architecture)["x"] for architecture in space.enumerate()]


@pytest.mark.parametrize("kind, args, options", GRIDS)
def test_every_value_is_proposed_once_until_none_is_left(kind, args, options):
  found = exhausted(kind, args, options)
  expected = all_values(kind, args, options)
  if isinstance(expected[0], (str, bool)):
    assert sorted(found) == sorted(expected)
  else:
    assert sorted(found) == pytest.approx(sorted(expected), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("kind, args, options", GRIDS)
def test_a_value_its_default_and_its_json_are_the_same_decision(kind, args, options):
  space = one(kind, *args, **options)
  for value in all_values(kind, args, options):
    architecture = space.encode({"x": value})
    proposed = space.decode(architecture)["x"]
    forms = [proposed, json.loads(json.dumps(value)), np.asarray(value), np.asarray(proposed)]
    if isinstance(value, float):
      forms += [np.float32(value), float(repr(round(value, 12)))]
    for form in forms:
      assert space.encode({"x": form}) == architecture
      accepted = space.complete({"x": form})["x"]
      assert type(accepted) is type(proposed) and space.encode({"x": accepted}) == architecture
    default = {} if kind == "Fixed" else {"default": value}
    assert one(kind, *args, **{**options, **default}).encode({}) == architecture


@pytest.mark.parametrize(
  "space, value",
  [
    (one("Float", 0, 0.5, step=0.1), 0.25),
    (one("Float", 0, 0.5, step=0.1), 0.5001),
    (one("Float", 0, 0.5, step=0.1), True),
    (one("Float", 0, 0.5, step=0.1), "0.3"),
    (one("Float", 0, 3, step=0.1), 0.25),
    (one("Float", 0, 0.5, step=0.1), np.array([0.3])),
    (one("Float", 1e-9, 1e3, sampling="log"), -1e-6),
    (one("Int", 0, 100, step=5), 12),
    (one("Int", 0, 10**9), 10**9 + 1),
    (one("Int", 0, 3), 1.5),
    (one("Int", 0, 3), True),
    (one("Int", 1, 1000, sampling="log"), 77.5),
    (one("Choice", [1, 2]), True),
    (one("Choice", ["1", "2"]), 1),
    (one("Choice", [0.1, 0.2]), 0.1001),
    (one("Boolean"), "True"),
    (one("Boolean"), 2),
    (one("Fixed", 1), True),
    (one("Fixed", True), 2),
  ],
)
def test_a_value_that_is_not_on_the_grid_is_refused(space, value):
  with pytest.raises(ValueError, match="hyperparameter 'x': expected .* got"):
    space.encode({"x": value})


def test_given_values_get_the_type_of_the_hyperparameter():
  for space, value, expected in [
    (one("Int", 0, 3), 2.0, 2),
    (one("Int", 0, 1000), np.int64(77), 77),
    (one("Float", 0, 9), 3, 3.0),
    (one("Float", 0, 1), 0.512, 0.512),
    (one("Boolean"), 1, True),
    (one("Choice", [True, False]), True, 1),
    (one("Choice", [1.0, 2.0]), 1, 1.0),
  ]:
    accepted = space.complete({"x": value})["x"]
    assert accepted == expected and type(accepted) is type(expected)


def test_defaults_between_those_of_a_grid_stay_as_they_are_and_others_become_the_nearest_with_a_warning(caplog):
  assert one("Float", 0, 1, default=0.512).complete({}) == {"x": 0.512}
  assert not caplog.records
  for space, nearest in [
    (one("Float", 0, 0.5, step=0.1, default=0.44), 0.4),
    (one("Float", 0, 3, step=0.1, default=9.0), 3.0),
    (one("Int", 2, 10, default=1), 2),
    (one("Int", 0, 1000, default=-4), 0),
    (one("Int", 0, 3, default="three"), 0),
  ]:
    caplog.clear()
    with caplog.at_level("WARNING"):
      assert space.complete({}) == {"x": pytest.approx(nearest)}
    assert "'x'" in caplog.text and "default" in caplog.text


def test_a_condition_on_a_float_holds_although_the_float_is_rounded():
  hp = keras_tuner.HyperParameters()
  hp.Float("rate", 0, 0.5, step=0.1)
  with hp.conditional_scope("rate", [0.3]):
    hp.Boolean("extra")
  values = [HyperParameterSpace(hp).decode(a) for a in HyperParameterSpace(hp).enumerate()]
  assert len(values) == 7 and [v["rate"] for v in values if "extra" in v] == [0.3, 0.3]


def test_what_has_no_more_values_is_not_refined():
  hp = keras_tuner.HyperParameters()
  hp.Int("x", 1, 30)
  assert not HyperParameterSpace(hp, refinements=1).refinable
  hp.Int("y", 1, 50)
  assert HyperParameterSpace(hp, refinements=1).refinable
