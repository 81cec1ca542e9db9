"""Tasks by name: the registry's, image sets of TensorFlow Datasets, and tasks of one's own."""

import ast
import pathlib

import pytest

import nao_tf.tasks
from nao_tf.tasks import TASKS, make_task, task_class, task_classes
from nao_tf.tasks.base import Task
from nao_tf.tasks.image_classification import TfdsClassification
from tests.support.own_task import BrightCorners

OWN = "tests.support.own_task:BrightCorners"


@pytest.mark.parametrize("name", TASKS)
def test_every_registered_task_says_what_its_networks_are(name):
  cls = task_class(name)
  assert issubclass(cls, Task) and not getattr(cls, "__abstractmethods__", ())
  assert cls.kind and cls.space and cls.reward_metric
  assert all(isinstance(kind, type) for kind in cls.genotypes)
  for configs in (cls.child, cls.final):
    assert configs.training_config.epochs > 0
  assert cls in task_classes()


def test_another_name_is_an_image_set_of_tensorflow_datasets():
  assert task_class("mnist") is TfdsClassification


def test_a_task_of_ones_own_is_found_by_its_place():
  assert task_class(OWN) is BrightCorners
  assert make_task(OWN).name == OWN
  assert make_task(OWN, contrast=3.0, image_size=None).contrast == 3.0


def test_an_unknown_option_is_refused_with_what_there_is():
  with pytest.raises(ValueError, match=f"task '{OWN}' has no option brightness; it has contrast"):
    make_task(OWN, brightness=1.0)
  with pytest.raises(
    ValueError,
    match="task 'digits' has no option image_size; it has class_weight, crop_padding, flip, hold_out, train_examples, v",
  ):
    make_task("digits", image_size=8)


@pytest.mark.parametrize(
  "place, message",
  [
    ("tests.support.own_task:Nothing", "task 'tests.support.own_task:Nothing': the module .* has no 'Nothing'"),
    ("no_such_module:Task", "task 'no_such_module:Task': cannot import the module"),
  ],
)
def test_a_place_with_nothing_there_is_refused(place, message):
  with pytest.raises(ValueError, match=message):
    make_task(place)


def test_a_task_must_have_data_losses_and_scores():
  class Empty(nao_tf.tasks.base.BatchTask):
    pass

  with pytest.raises(TypeError, match="abstract") as error:
    Empty()
  for name in ("num_examples", "training_batches", "evaluation_batches", "losses", "scores", "input_shape"):
    assert name in str(error.value)
  for name in ("supernet", "export", "trainer", "build"):
    assert name not in str(error.value)


@pytest.mark.parametrize("path", sorted(pathlib.Path(nao_tf.tasks.__file__).parent.glob("*.py")), ids=lambda p: p.stem)
def test_tasks_know_neither_supernets_nor_serving(path):
  nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, (ast.Import, ast.ImportFrom))]
  names = [getattr(node, "module", None) or node.names[0].name for node in nodes]
  assert not [name for name in names if name.startswith(("nao_tf.supernets", "nao_tf.serving"))]
