import keras_tuner
import numpy as np
import pytest

from nao_tf.spaces.hyperparameters import (
  MAX_REFINEMENTS,
  HyperParameterSpace,
  parents_first,
)
from nao_tf.strategies import SpaceExhausted, make_strategy
from nao_tf.tuner.messages import with_new_entries
from tests.conformance.test_spaces import (  # The laws of every space hold here, too.  # noqa: F401
  samples,
  test_a_malformed_architecture_is_refused_with_its_position,
  test_a_space_that_can_be_listed_is_listed_whole,
  test_canonical_is_a_valid_fixed_point,
  test_equivalents_are_valid_encodings_of_the_same,
  test_every_sample_decodes_to_a_genotype_that_prints,
  test_format_and_parse_are_inverse,
  test_malformed_text_is_refused,
  test_mutation_changes_exactly_one_decision_and_stays_valid,
  test_neighbors_are_valid_and_one_decision_away,
  test_samples_are_valid_tuples_of_int,
  test_samples_differ,
  test_sampling_is_a_function_of_the_generator,
  test_tokens_and_architectures_are_inverse,
)
from tests.support.tuner_cases import shapes, six

SPACES = {"shapes": shapes, "six": six}


@pytest.fixture(params=SPACES, scope="module")
def space(request):
  return HyperParameterSpace(SPACES[request.param]())


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


def test_only_what_has_a_range_can_be_refined():
  assert HyperParameterSpace(shapes()).refinable
  assert not HyperParameterSpace(shapes(), refinements=MAX_REFINEMENTS).refinable
  assert not HyperParameterSpace(six()).refinable


def test_every_configuration_is_listed_once(space):
  values = [repr(space.decode(architecture)) for architecture in space.enumerate()]
  assert len(set(values)) == len(values) == space.size
  assert [space.canonical(architecture) for architecture in space.enumerate()] == list(space.enumerate())


def test_the_size_counts_configurations():
  assert HyperParameterSpace(six()).size == 2 + 4
  # A round shape: not filled, or one of 41 shades, and 41 radii; a square: the same with 10 sides; a line.
  assert HyperParameterSpace(shapes()).size == (1 + 41) * 41 + (1 + 41) * 10 + 1


def branches():
  """Returns 8 branches with 16 configurations each, in 8 * 16**8 rows of choices."""
  hp = keras_tuner.HyperParameters()
  hp.Choice("branch", list(range(8)))
  for branch in range(8):
    with hp.conditional_scope("branch", [branch]):
      hp.Choice(f"leaf {branch}", list(range(16)))
  return hp


def test_the_last_of_few_configurations_in_many_rows_of_choices_is_found():
  space = HyperParameterSpace(branches())
  strategy, asked = make_strategy("random", space), []
  with pytest.raises(SpaceExhausted):
    while True:
      asked += strategy.ask(1)
  assert len({space.canonical(architecture) for architecture in asked}) == space.size == 128


def test_only_active_hyperparameters_have_values(space, samples):  # noqa: F811
  hp = shapes() if "pen" in space.decode(samples[0]) else six()
  for architecture in samples:
    hp.values = space.decode(architecture)
    assert {entry.name for entry in hp.space if hp.is_active(entry)} == set(hp.values)


def test_encodings_are_the_same_if_and_only_if_they_decode_to_the_same(space, samples):  # noqa: F811
  values = [space.decode(architecture) for architecture in samples]
  encodings = [space.canonical(architecture) for architecture in samples]
  for i in range(len(samples)):
    for j in range(i):
      assert (values[i] == values[j]) == (encodings[i] == encodings[j])


def test_encode_and_decode_are_inverse_up_to_encoding(space, samples):  # noqa: F811
  for architecture in samples:
    assert space.encode(space.decode(architecture)) == space.canonical(architecture)


def test_mutation_gives_another_configuration(space, samples):  # noqa: F811
  rng = np.random.default_rng(3)
  for architecture in samples:
    assert space.decode(space.mutate(architecture, rng)) != space.decode(architecture)


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


def test_no_hyperparameters_are_a_space_of_one_configuration():
  space = HyperParameterSpace(keras_tuner.HyperParameters())
  assert space.decisions == () and space.decode(()) == {} and space.encode({}) == ()


@pytest.mark.parametrize("refinements", [-1, MAX_REFINEMENTS + 1])
def test_a_number_of_refinements_out_of_range_is_refused(refinements):
  with pytest.raises(ValueError, match="refinements"):
    HyperParameterSpace(six(), refinements=refinements)


def test_parents_come_first_after_a_round_trip_through_messages():
  hp = keras_tuner.HyperParameters.from_proto(shapes().to_proto())
  names = [entry.name for entry in hp.space]
  assert names.index("radius") < names.index("shape")  # KerasTuner groups by type.
  names = [entry.name for entry in parents_first(hp.space)]
  assert names.index("shape") < names.index("filled") < names.index("shade")
  assert HyperParameterSpace(hp).decode(HyperParameterSpace(hp).encode({"shape": "square", "side": 40}))["side"] == 40


def test_the_order_is_kept_where_it_is_right():
  hp = shapes()
  assert parents_first(hp.space) == hp.space


def test_new_entries_are_added_and_handed_out_values_kept():
  known, reported = six(), six()
  known.values = {"on": True, "color": "blue"}
  reported.values = {"on": 1, "color": "blue", "size": 3, "low": 0}
  reported.Int("size", 1, 5)
  together = with_new_entries(known, reported)
  assert together.values["on"] is True and together.values["size"] == 3
  assert [entry.name for entry in together.space] == ["on", "color", "low", "high", "size"]
