"""Laws of every registered space."""

import time

import numpy as np
import pytest

from nao_tf.controller.vocabulary import Vocabulary
from nao_tf.spaces import SPACES, make_space
from tests.support.toys import ToySpace

MAKERS = {**{name: (lambda name=name: make_space(name)) for name in SPACES}, "toy": ToySpace}
NUM_SAMPLES = 50
LARGEST_LISTED = 20_000


@pytest.fixture(params=MAKERS, scope="module")
def space(request):
  return MAKERS[request.param]()


@pytest.fixture(scope="module")
def samples(space):
  rng = np.random.default_rng(0)
  return [space.sample(rng) for _ in range(NUM_SAMPLES)]


def test_the_name_is_the_key(space):
  assert space.name in MAKERS


def test_samples_are_valid_tuples_of_int(space, samples):
  for architecture in samples:
    space.validate(architecture)
    assert type(architecture) is tuple and {type(choice) for choice in architecture} == {int}


def test_samples_differ(samples):
  assert len(set(samples)) > 1


def test_sampling_is_a_function_of_the_generator(space):
  assert space.sample(np.random.default_rng(5)) == space.sample(np.random.default_rng(5))


def test_mutation_changes_exactly_one_decision_and_stays_valid(space, samples):
  rng = np.random.default_rng(1)
  for architecture in samples:
    mutant = space.mutate(architecture, rng)
    space.validate(mutant)
    assert sum(a != b for a, b in zip(architecture, mutant)) == 1


def test_neighbors_are_valid_and_one_decision_away(space, samples):
  neighbors = list(space.neighbors(samples[0]))
  assert len(set(neighbors)) == len(neighbors) > 0
  for neighbor in neighbors:
    space.validate(neighbor)
    ((decision, here, there),) = [row for row in zip(space.decisions, samples[0], neighbor) if row[1] != row[2]]
    assert not decision.ordered or abs(here - there) == 1


def test_canonical_is_a_valid_fixed_point(space, samples):
  for architecture in samples:
    canonical = space.canonical(architecture)
    space.validate(canonical)
    assert space.canonical(canonical) == canonical


def test_a_space_that_can_be_listed_is_listed_whole(space, samples):
  if space.size > LARGEST_LISTED:
    pytest.skip("too large to be listed here")
  listed = list(space.enumerate())
  assert len(listed) == len(set(listed)) <= space.size
  assert {space.canonical(architecture) for architecture in samples} <= {space.canonical(a) for a in listed}
  assert all(space.is_valid(architecture) for architecture in listed)


def test_equivalents_are_valid_encodings_of_the_same(space, samples):
  rng = np.random.default_rng(2)
  for architecture in samples:
    other = space.random_equivalent(architecture, rng)
    space.validate(other)
    assert space.canonical(other) == space.canonical(architecture)


def test_what_is_alike_is_valid_and_no_less_than_a_encoding(space, samples):
  for architecture in samples[:10]:
    alike = {space.random_isomorphic(architecture, np.random.default_rng(seed)) for seed in range(20)}
    assert all(space.is_valid(other) for other in alike)
    if any(space.random_equivalent(architecture, np.random.default_rng(seed)) != architecture for seed in range(20)):
      assert alike != {architecture}
    assert {space.function_key(other) for other in alike} == {space.function_key(architecture)}


def test_encodings_of_one_network_have_equal_graphs_or_none(space, samples):
  rng = np.random.default_rng(3)
  for architecture in samples:
    graph = space.graph(architecture)
    assert space.graph(space.random_isomorphic(architecture, rng)) == graph
    assert (graph is None) == (space.graph(samples[0]) is None)


def test_encodings_of_one_network_have_equal_numbers_of_parameters_or_none(space, samples):
  rng = np.random.default_rng(4)
  is_known = space.parameter_count(samples[0]) is not None
  for architecture in samples:
    count = space.parameter_count(architecture)
    assert space.parameter_count(space.random_equivalent(architecture, rng)) == count
    assert count >= 0 if is_known else count is None


def test_format_and_parse_are_inverse(space, samples):
  assert [space.parse(space.format(architecture)) for architecture in samples] == samples


def test_every_sample_decodes_to_a_genotype_that_prints(space, samples):
  assert all(repr(space.decode(architecture)) for architecture in samples)


def test_tokens_and_architectures_are_inverse(space, samples):
  vocabulary = Vocabulary.of(space)
  assert vocabulary.decode(vocabulary.encode(samples)) == samples


@pytest.mark.parametrize("wrong", ["short", "long", "negative", "large", "text"])
def test_a_malformed_architecture_is_refused_with_its_position(space, samples, wrong):
  good = samples[0]
  bad = {
    "short": good[:-1],
    "long": (*good, 0),
    "negative": (-1, *good[1:]),
    "large": (*good[:-1], space.decisions[-1].size),
    "text": ("x", *good[1:]),
  }[wrong]
  with pytest.raises(ValueError, match=f"{space.name}.*(expected {len(good)} decisions|position)"):
    space.validate(bad)
  with pytest.raises(ValueError):
    space.decode(bad)


@pytest.mark.parametrize("text", ["", "a b c", "1 2", "1.5", "--1", "1_0", "٣", "9" * 5000])
def test_malformed_text_is_refused(space, text):
  with pytest.raises(ValueError, match=space.name):
    space.parse(text)


def choices_of_wrong_types(good):
  first, rest = good[0], good[1:]
  wrong = (float(first), first + 0.5, bool(first), str(first), None, (first,), [first], {first}, np.array([first]))
  yield from ((choice, *rest) for choice in (*wrong, np.float64(first), np.bool_(first), 10**400, float("nan")))
  yield from (None, 3, "", " ".join(map(str, good)), b"\0" * len(good), dict.fromkeys(range(len(good)), 0), set(good))
  yield from (np.array(good, float), np.array(good, bool), np.array([good]), np.array(first), iter(good), [good])


def test_what_is_no_row_of_integers_is_refused(space, samples):
  for wrong in choices_of_wrong_types(samples[0]):
    for check in (space.validate, space.checked, space.decode):
      with pytest.raises(ValueError, match=space.name):
        check(wrong)
    assert not space.is_valid(wrong)


def test_integers_of_numpy_are_accepted_and_become_integers_of_python(space, samples):
  for good in samples[:5]:
    for row in (np.array(good), np.array(good, np.uint8), list(good), tuple(map(np.int16, good))):
      checked = space.checked(row)
      assert checked == good and type(checked) is tuple and {type(choice) for choice in checked} == {int}
      assert space.name not in SPACES or space.decode(row) == space.decode(good)


@pytest.mark.parametrize("character", ["1", "9", "-", "|", "+", "~", " ", "0 ", "|a~0", "٣", "\ud800", "a"])
def test_a_long_text_is_refused_at_once(space, character):
  start = time.monotonic()
  with pytest.raises(ValueError) as raised:
    space.parse(character * 80_000)
  assert time.monotonic() - start < 1 and len(str(raised.value)) < 500
