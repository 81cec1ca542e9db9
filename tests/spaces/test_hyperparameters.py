import keras_tuner
import numpy as np
import pytest

from nao_tf.spaces.hyperparameters import (
  MAX_REFINEMENTS,
  HyperParameterSpace,
  parents_first,
)
from nao_tf.strategies import SpaceExhausted, make_strategy
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


# Hyperparameters of one name.


def two_of_a_name(first, second, *, nested=False):
  """Returns a choice between a and b, and two hyperparameters x, each under values of the choice."""
  hp = keras_tuner.HyperParameters()
  hp.Choice("kind", ["a", "b", "c"])
  hp.Boolean("flag")
  for values, (kind, *args) in (first, second):
    with hp.conditional_scope("kind", values):
      if nested:
        hp.Int(f"depth {values[0]}", 1, 2)
        with hp.conditional_scope(f"depth {values[0]}", [2]):
          getattr(hp, kind)("x", *args)
      else:
        getattr(hp, kind)("x", *args)
  return hp


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("other", [("Int", 300, 500), ("Float", 0.0, 1.0), ("Choice", ["a", "b"]), ("Boolean",)])
def test_namesakes_that_exclude_each_other_each_have_values_of_their_own(other, nested):
  hp = two_of_a_name((["a"], ("Int", 1, 4)), (["b", "c"], other), nested=nested)
  space = HyperParameterSpace(hp)
  for architecture in space.enumerate():
    values = space.decode(architecture)
    hp.values = dict(values)
    active = [entry for entry in hp.space if entry.name == "x" and hp.is_active(entry)]
    assert len(active) == ("x" in values)
    if active:
      assert 0 <= active[0].value_to_prob(values["x"]) <= 1
    assert space.encode(values) == architecture


def test_namesakes_that_can_both_be_active_with_different_values_are_refused():
  for second in [(["b", "c"], ("Int", 300, 500)), (["b"], ("Float", 0.0, 1.0))]:
    with pytest.raises(ValueError, match="'x' is defined twice"):
      HyperParameterSpace(two_of_a_name((["a", "b"], ("Int", 1, 4)), second))
  hp = two_of_a_name((["a"], ("Int", 1, 4)), (["b"], ("Int", 1, 4)))
  hp.Boolean("x")
  with pytest.raises(ValueError, match="'x' is defined twice"):
    HyperParameterSpace(hp)


def test_namesakes_that_can_both_be_active_with_the_same_values_share_one():
  space = HyperParameterSpace(two_of_a_name((["a", "b"], ("Int", 1, 4)), (["b", "c"], ("Int", 1, 4))))
  assert space.size == 3 * 2 * 4
  assert {value["x"] for value in map(space.decode, space.enumerate())} == {1, 2, 3, 4}
