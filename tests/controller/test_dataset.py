"""Training arrays: encodings of the same network, targets in order, splits without leaks."""

import numpy as np
import pytest

from nao_tf.controller import dataset
from nao_tf.controller.config import TARGETS
from nao_tf.controller.decoder import shift_right
from nao_tf.controller.vocabulary import Vocabulary
from nao_tf.spaces import make_space
from tests.support import controller_cases as cases

SPACE = make_space("nasnet5")
VOCABULARY = Vocabulary.of(SPACE)


def some_architectures(count, seed=0):
  rng = np.random.default_rng(seed)
  return [SPACE.sample(rng) for _ in range(count)]


def test_every_row_spells_the_same_networks_and_the_first_as_given():
  architectures = some_architectures(6)
  tokens = dataset.augment(SPACE, VOCABULARY, architectures, 5, np.random.default_rng(1))
  assert tokens.shape == (5, 6, 40)
  assert VOCABULARY.decode(tokens[0]) == architectures
  for row in tokens:
    assert [SPACE.canonical(a) for a in VOCABULARY.decode(row)] == [SPACE.canonical(a) for a in architectures]
  assert np.any(tokens[1] != tokens[0])


def test_encoder_input_decoder_input_and_target_change_together():
  tokens = dataset.augment(SPACE, VOCABULARY, some_architectures(6), 2, np.random.default_rng(1))[1]
  np.testing.assert_array_equal(shift_right(tokens)[:, 1:], tokens[:, :-1])
  controller = cases.small_controller(vocabulary=VOCABULARY)
  memory = controller.encode(tokens)
  taught = controller.decoder.teach(tokens, memory, controller.embed(memory)).numpy()
  losses = controller.losses_of(tokens, np.zeros(6, np.float32), np.ones(6, np.float32))
  log_probabilities = np.take_along_axis(taught - np.logaddexp.reduce(taught, -1, keepdims=True), tokens[..., None], -1)
  assert float(losses["token_loss"]) == pytest.approx(-log_probabilities.mean(), rel=1e-5)


def test_one_encoding_is_no_augmentation_and_none_is_refused():
  architectures = some_architectures(3)
  tokens = dataset.augment(SPACE, VOCABULARY, architectures, 1, np.random.default_rng(1))
  np.testing.assert_array_equal(tokens, VOCABULARY.encode(architectures)[None])
  with pytest.raises(ValueError, match="num_encodings must be at least 1, got 0"):
    dataset.augment(SPACE, VOCABULARY, architectures, 0, np.random.default_rng(1))


def test_no_encoding_of_a_network_held_out_is_trained_on():
  rng = np.random.default_rng(0)
  originals = some_architectures(20)
  architectures = originals + [SPACE.random_equivalent(architecture, rng) for architecture in originals]
  train, held_out = dataset.split_by_canonical(SPACE, architectures, 0.25, rng)
  assert sorted([*train, *held_out]) == list(range(40))
  assert len(held_out) == 10
  trained_on = {SPACE.canonical(architectures[index]) for index in train}
  assert not any(SPACE.canonical(architectures[index]) in trained_on for index in held_out)


def test_a_split_is_a_function_of_its_generator():
  architectures = some_architectures(20)
  splits = [dataset.split_by_canonical(SPACE, architectures, 0.3, np.random.default_rng(s))[1] for s in (1, 1, 2)]
  assert splits[0].tolist() == splits[1].tolist() != splits[2].tolist()


@pytest.mark.parametrize("fraction, count", [(0, 0), (1, 4)])
def test_nothing_or_everything_can_be_held_out(fraction, count):
  train, held_out = dataset.split_by_canonical(SPACE, some_architectures(4), fraction, np.random.default_rng(0))
  assert (len(train), len(held_out)) == (4 - count, count)


def test_a_fraction_beyond_one_is_refused():
  with pytest.raises(ValueError, match=r"fraction must be in \[0, 1\], got 1.5"):
    dataset.split_by_canonical(SPACE, some_architectures(4), 1.5, np.random.default_rng(0))


def test_targets_by_hand():
  rewards = [1.0, 5.0, 2.0, 2.0]
  np.testing.assert_allclose(dataset.min_max(rewards), [0, 1, 0.25, 0.25])
  np.testing.assert_allclose(dataset.rank(rewards), [0.125, 0.875, 0.5, 0.5])
  np.testing.assert_allclose(dataset.log_rank(rewards), -np.log([0.875, 0.125, 0.5, 0.5]) / -np.log(0.125))


@pytest.mark.parametrize("transform", dataset.TRANSFORMS)
def test_targets_keep_the_order_and_stay_within_zero_and_one(transform):
  rewards = np.random.default_rng(0).normal(size=50)
  targets = dataset.make_targets(rewards, transform)
  assert targets.dtype == np.float32
  assert targets.min() >= 0
  assert targets.max() <= 1
  np.testing.assert_array_equal(np.argsort(targets), np.argsort(rewards))


@pytest.mark.parametrize("transform", dataset.TRANSFORMS)
def test_equal_rewards_have_equal_targets(transform):
  assert np.ptp(dataset.make_targets([2.0, 2.0, 2.0], transform)) == 0


def test_the_configuration_knows_the_transforms():
  assert tuple(dataset.TRANSFORMS) == TARGETS


@pytest.mark.parametrize("rewards", [[], [1.0, float("nan")], [[1.0]]])
def test_targets_need_finite_rewards(rewards):
  with pytest.raises(ValueError, match="expected finite rewards"):
    dataset.make_targets(rewards, "rank")


def test_an_unknown_transform_is_refused():
  with pytest.raises(ValueError, match="unknown target 'square'; expected one of min_max, rank, log_rank"):
    dataset.make_targets([1.0], "square")
