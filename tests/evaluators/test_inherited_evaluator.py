import numpy as np
import pytest
import tensorflow as tf

from nao_tf.evaluators import EvaluatorContext, declared_settings, evaluator_class, make_evaluator
from nao_tf.evaluators.inherited_config import InheritedConfig
from nao_tf.evaluators.inherited_evaluator import DIRECTORY, InheritedEvaluator
from nao_tf.networks.image_network_config import ImageNetworkConfig
from nao_tf.networks.layered_network import layered_network
from nao_tf.runs.journal import Journal
from nao_tf.spaces import make_space
from nao_tf.spaces.autokeras import AutokerasSpace
from nao_tf.tasks.image_classification import ImageClassification
from nao_tf.tasks.image_sources import DigitsSource
from nao_tf.training.config import TrainingConfig
from nao_tf.trial import Evaluation, Origin, Trial

SPACE = AutokerasSpace()
CHILD, OTHER, *_, LAST = SPACE.morphisms(SPACE.initial)
NETWORK = ImageNetworkConfig(filters=4, dropout_keep=1.0)
TRAINING = TrainingConfig(epochs=2, batch_size=64, learning_rate=0.1)
TASK = ImageClassification("digits", DigitsSource(), flip=False, train_examples=512)


class Search:
  """Evaluates trials one by one, with a journal."""

  def __init__(self, directory, *, task=TASK, network=NETWORK, training=TRAINING, **config):
    self.journal = Journal(str(directory), {})
    self.evaluator = InheritedEvaluator(
      task,
      SPACE,
      network,
      training,
      directory=str(directory),
      config=InheritedConfig(**config),
      distribution=tf.distribute.get_strategy(),
      seed=1,
    )

  def ask(self, number, architecture, *parents):
    trial = Trial(number, architecture, Origin("morphism", parents))
    self.journal.append_asked([trial])
    return trial

  def network(self, architecture):
    return layered_network(SPACE.decode(architecture), NETWORK, image_shape=(8, 8, 1))

  def run(self, number, architecture, *parents):
    trial = self.ask(number, architecture, *parents)
    (evaluation,) = self.evaluator.evaluate([architecture])
    self.journal.append_closed(trial.close(evaluation))
    return evaluation.metrics


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
  """A search of a parent and a child, with the metrics of both."""
  directory = tmp_path_factory.mktemp("search")
  search = Search(directory)
  return directory, search, search.run(0, SPACE.initial), search.run(1, CHILD, 0)


def test_a_child_begins_where_its_parent_has_ended(searched):
  _, _, parent, child = searched
  assert (child["inherited_from"], child["morphisms"]) == (0, 1)
  assert child["first_train_loss"] < parent["train_loss"] + 0.1 < parent["first_train_loss"]


def test_without_a_parent_it_is_trained_from_scratch_and_its_metrics_say_so(searched):
  _, _, parent, _ = searched
  assert parent["inherited_from"] is None and parent["note"] == "trained from scratch: it has no parent"


def test_weights_outlive_the_process(searched):
  directory, search, _, _ = searched
  search.journal.close()
  again = Search(directory)
  for path in (directory / DIRECTORY).iterdir():
    path.write_bytes(path.read_bytes()[:100])
  assert again.run(2, LAST, 0)["note"] == "trained from scratch: the weights of trial 0 are missing"
  again.journal.close()


def test_weights_are_kept_of_the_best_of_open_trials_and_of_their_parents(tmp_path):
  search = Search(tmp_path, kept_networks=1)
  for number, (architecture, reward) in enumerate(((SPACE.initial, 0.1), (CHILD, 0.2), (OTHER, 0.9), (LAST, None))):
    trial = search.ask(number, architecture, *([0] if reward is None else []))
    search.evaluator._end(search.network(architecture), architecture)
    if reward is not None:
      search.journal.append_closed(trial.close(Evaluation(reward)))
  search.evaluator._clean_up()
  assert kept(search) == [SPACE.initial, OTHER, LAST]  # The parent of the open trial, the best one, and the open one.
  search.journal.append_closed(trial.close(Evaluation(0.5)))
  search.evaluator._clean_up()
  assert kept(search) == [OTHER]


def kept(search):
  store = search.evaluator._store
  return [architecture for architecture in (SPACE.initial, CHILD, OTHER, LAST) if store.load(architecture) is not None]


def test_it_is_registered_with_its_settings(tmp_path):
  assert evaluator_class("inherited") is InheritedEvaluator
  assert declared_settings("inherited").config_class is InheritedEvaluator.config_class is InheritedConfig
  context = EvaluatorContext(SPACE, make_task=lambda: TASK, directory=str(tmp_path), config=InheritedConfig(patience=2))
  assert isinstance(make_evaluator("inherited", context), InheritedEvaluator)


@pytest.mark.parametrize(
  ("space", "directory", "message"),
  [
    (SPACE, None, "pass `directory`"),
    (make_space("nasnet5"), "x", "only networks of plain layers can inherit weights, .* nasnet5 has a CellGenotype"),
  ],
)
def test_what_it_cannot_do_is_said_at_once(space, directory, message):
  with pytest.raises(ValueError, match=message):
    make_evaluator("inherited", EvaluatorContext(space, make_task=lambda: TASK, directory=directory))


@pytest.mark.parametrize("name", ["kept_networks", "patience", "min_improvement"])
def test_settings_are_checked(name):
  with pytest.raises(ValueError, match=f"{name} must be at least"):
    InheritedConfig(**{name: -1})


@pytest.mark.slow
def test_the_loss_of_the_first_epoch_is_lower_with_inherited_weights(tmp_path):
  rng, task = np.random.default_rng(0), ImageClassification("digits", DigitsSource(), flip=False)
  options = {"network": ImageNetworkConfig(filters=16, dropout_keep=1.0), "training": TrainingConfig(epochs=5)}
  inheriting = Search(tmp_path / "inherited", task=task, **options)
  scratch = Search(tmp_path / "scratch", task=task, **options)
  parent = inheriting.run(0, SPACE.initial)
  rows = []
  for number in range(1, 11):
    child = SPACE.initial
    for _ in range(1 + number % 3):
      children = list(SPACE.morphisms(child))
      child = children[rng.integers(len(children))]
    rows.append((inheriting.run(number, child, 0), scratch.run(number, child)))
  print("parent:", {name: round(parent[name], 3) for name in ("first_train_loss", "train_loss", "accuracy")})
  for inherited, fresh in rows:
    pairs = [
      f"{name} {inherited[name]:.3f} {fresh[name]:.3f}" for name in ("first_train_loss", "train_loss", "accuracy")
    ]
    print(f"{inherited['morphisms']} morphisms, inherited and from scratch:", "; ".join(pairs))
  assert all(inherited["first_train_loss"] < fresh["first_train_loss"] for inherited, fresh in rows)
