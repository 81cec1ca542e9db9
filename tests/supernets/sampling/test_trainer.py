import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.networks.language_model_config import LanguageModelConfig
from nao_tf.spaces import make_space
from nao_tf.spaces.nasnet import SMALL, NasnetSpace
from nao_tf.spaces.recurrent import RecurrentSpace
from nao_tf.supernets.architecture_sampler import CHOOSING, LEARNING, TRAINING
from nao_tf.supernets.sampling.config import SamplingConfig
from nao_tf.supernets.sampling.trainer import make_sampling_trainer
from nao_tf.training.language_config import LanguageTrainingConfig
from nao_tf.training.training_directory import TrainingDirectory
from tests.support import shared_cases
from tests.support.image_cases import NETWORK, without_seconds
from tests.support.shared_cases import SHARING, make_task
from tests.support.toy_text import toy_task

ENAS = SamplingConfig(
  policy_steps=3, samples_per_step=2, units=8, epoch_samples=3, final_samples=4, final_count=2, learning_rate=0.05
)
RANDOM = dataclasses.replace(ENAS, sampler="uniform", policy_steps=0)
SPACE = NasnetSpace("one_node", SMALL[3:], num_nodes=1)
IMAGES = dataclasses.replace(shared_cases.TRAINING, epochs=2, batch_size=128)
CELLS = RecurrentSpace("small", 3)
MODEL = LanguageModelConfig(units=5, initial_range=0.5).without_dropout()
TEXT = LanguageTrainingConfig(
  epochs=2, batch_size=4, segment_length=6, segment_deviation=1.0, max_extra_length=2, learning_rate=5.0
)


def image_trainer(config=ENAS, task=None, training=IMAGES, distribution=None):
  distribution, task = distribution or tf.distribute.get_strategy(), task or make_task()
  return make_sampling_trainer(task, SPACE, NETWORK, training, config, SHARING, distribution=distribution, seed=3)


def text_trainer(config=ENAS, distribution=None):
  distribution = distribution or tf.distribute.get_strategy()
  return make_sampling_trainer(toy_task(), CELLS, MODEL, TEXT, config, SHARING, distribution=distribution, seed=3)


@pytest.fixture(autouse=True)
def no_graphs_of_images(request):
  """A few small steps with images are over before a graph of them is traced."""
  tf.config.run_functions_eagerly("[images]" in request.node.name or "images" in request.fixturenames)
  yield
  tf.config.run_functions_eagerly(False)


def trained(make):
  """Returns the maker of a trainer, one that has trained to the end, and its history."""
  trainer = make()
  return make, trainer, list(trainer.fit())


@pytest.fixture(scope="module")
def images():
  return trained(image_trainer)


@pytest.fixture(scope="module")
def text(deterministic_operations):
  return trained(text_trainer)


@pytest.fixture(params=["images", "text"])
def whole(request):
  return request.getfixturevalue(request.param)


def weights_of(trainer):
  sampled = [variable.numpy() for variable in trainer.sampler.policy.trainable_variables]
  return [trainer.supernet.weights.vector.numpy(), *sampled]


def test_each_epoch_trains_the_weights_and_then_the_policy(whole):
  make, trainer, history = whole
  assert [metrics["epoch"] for metrics in history] == [1, 2] and int(trainer._policy_steps) == 6
  fresh = make()
  assert all(np.isfinite(metrics["train_loss"]) for metrics in history)
  assert 0 < history[1]["mean_reward"] < 80 and history[1]["entropy"] > 0 and history[1]["valid_loss"] > 0
  assert not any(map(np.array_equal, weights_of(trainer)[:2], weights_of(fresh)[:2]))
  assert trainer.supernet.num_steps_done + 6 == trainer.num_steps_done
  expected = {f"valid_{name}": value for name, value in trainer.supernet.score(trainer.architecture()).items()}
  assert {name: history[1][name] for name in expected} == pytest.approx(expected, rel=1e-4)


def test_the_best_of_many_on_a_minibatch_are_scored_on_the_whole_validation_set(whole):
  _, trainer, _ = whole
  drawn = list(trainer.drawn())
  assert len(drawn) == 2 and [row[0] for row in drawn] == [row[0] for row in trainer.drawn()]
  candidates = trainer._candidates(4, 0)
  assert len(set(candidates)) == 4 and candidates[0] == trainer.sampler.sample(4, (CHOOSING, 0))[0]
  losses = {a: trainer.supernet.score_on_minibatch(a, 0)["loss"] for a in candidates}
  assert [architecture for architecture, _ in drawn] == sorted(losses, key=losses.get)[:2]
  assert drawn[0][1]["valid_loss"] == pytest.approx(trainer.supernet.score(drawn[0][0])["loss"], rel=1e-4)


@pytest.mark.parametrize("phase", [pytest.param("weights", marks=pytest.mark.slow), "policy"])
def test_a_search_that_was_killed_goes_on_to_the_same_bits(text, tmp_path, phase):
  make, trainer, history = text
  killed = make()
  sample, end = killed.sampler.sample, (TRAINING, killed.supernet.steps_per_epoch + 1)

  def die(count, key):
    if key == (end if phase == "weights" else (LEARNING, 2)):
      raise KeyboardInterrupt
    return sample(count, key)

  killed.sampler.sample = die
  directory = TrainingDirectory(str(tmp_path), killed, checkpoint_seconds=0.0, tensorboard=False)
  with directory, pytest.raises(KeyboardInterrupt):
    directory.fit()
  resumed = make()
  with TrainingDirectory(str(tmp_path), resumed, tensorboard=False) as directory:
    assert resumed.num_steps_done == killed.num_steps_done
    assert without_seconds(directory.fit()) == without_seconds(history)
  for mine, theirs in zip(weights_of(resumed), weights_of(trainer)):
    np.testing.assert_array_equal(mine, theirs)
  assert resumed.architecture() == trainer.architecture()


@pytest.mark.parametrize("number", [3, 4])  # In others an example has two best scores that are equal up to rounding.
def test_a_minibatch_is_scored_with_its_own_statistics_or_with_those_of_training_batches(images, number):
  supernet, architecture = images[1].supernet, images[1].architecture()
  choices, minibatch = tf.constant(architecture, tf.int32), supernet._minibatches[number]
  for calibrates in (False, True):
    statistics = supernet._statistics(choices) if calibrates else supernet._calibration_step(*minibatch[:2], choices)
    sums = supernet._evaluation_step(*minibatch, choices, statistics)
    expected = {name: float(sums[name]) / float(sums["examples"]) for name in ("accuracy", "loss")}
    found = supernet.score_on_minibatch(architecture, number, calibrates=calibrates)
    assert found == pytest.approx(expected, rel=2e-3)


def test_segments_of_the_validation_text_are_those_of_each_pass_in_an_order_of_its_own(text):
  supernet = text[1].supernet
  count = supernet._minibatch_streams[0].shape[1] // TEXT.segment_length
  passes = [[supernet._segment(number)[0].tolist() for number in range(first, first + count)] for first in (0, count)]
  whole = supernet._minibatch_streams[0][:, : count * TEXT.segment_length]
  assert count > 1 and sorted(passes[0]) == sorted(passes[1])
  assert sum(np.sum(segment) for segment in passes[0]) == whole.sum()


def test_steps_of_the_policy_leave_the_weights_as_they_are(whole):
  _, trainer, _ = whole
  before = weights_of(trainer)
  trainer._learn(int(trainer._policy_steps))
  after = weights_of(trainer)
  assert np.array_equal(before[0], after[0]) and not np.array_equal(before[1], after[1])


def test_weights_off_the_sampled_paths_stay_as_they_are():
  trainer, drawn = text_trainer(), []
  before, sample = trainer.supernet.weights.vector.numpy(), trainer.sampler.sample

  def recorded(count, key):
    architectures = sample(count, key)
    drawn.extend(architectures if key[0] == TRAINING else [])
    return architectures

  trainer.sampler.sample = recorded
  next(trainer.fit())
  paths = [trainer.supernet.supernet.path(tf.constant(a, tf.int32)).positions.numpy() for a in set(drawn)]
  moved = np.flatnonzero(trainer.supernet.weights.vector.numpy() != before)
  assert len(drawn) == trainer.supernet.num_steps_done and len(moved)
  assert set(moved) <= set(np.concatenate(paths)) and len(set(np.concatenate(paths))) < len(before)


def test_random_search_with_weight_sharing_samples_uniformly_and_only_trains_weights():
  trainer = text_trainer(RANDOM)
  history = list(trainer.fit())
  assert "mean_reward" not in history[1] and history[0]["entropy"] == history[1]["entropy"]
  assert trainer.num_steps_done == trainer.supernet.num_steps_done and len(list(trainer.drawn())) == 2


def test_what_cannot_be_searched_is_refused():
  with pytest.raises(ValueError, match="needs a validation set"):
    image_trainer(task=make_task(validation_fraction=0.0))
  with pytest.raises(ValueError, match="needs a space of image cells"):
    make_sampling_trainer(
      make_task(),
      make_space("nasbench101"),
      NETWORK,
      IMAGES,
      ENAS,
      SHARING,
      distribution=tf.distribute.get_strategy(),
      seed=0,
    )
