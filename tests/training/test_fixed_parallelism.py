import ast
import pathlib
import re

import pytest
import tensorflow as tf

import nao_tf
from nao_tf.training.distribution import sharded
from nao_tf.training.fixed_parallelism import with_fixed_parallelism

READING = ("as_numpy_iterator", "batch", "padded_batch", "prefetch", "take", "unbatch")
"""Methods of datasets that other things that one may loop over do not have."""

FIXING = ("with_fixed_parallelism", "sharded")
"""Functions whose datasets are not tuned; the tests hold them to it."""


def squares():
  return tf.data.Dataset.range(5).map(lambda x: x * x, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def test_the_examples_are_the_same_and_nothing_is_tuned():
  dataset = with_fixed_parallelism(squares())
  assert list(dataset.as_numpy_iterator()) == [0, 1, 4, 9, 16]
  assert dataset.options().autotune.enabled is False


def test_other_options_stay():
  options = tf.data.Options()
  options.deterministic = False
  assert with_fixed_parallelism(squares().with_options(options)).options().deterministic is False


def test_what_replicas_read_is_not_tuned():
  dataset = sharded(squares().batch(2), tf.distribute.get_strategy())
  assert dataset.options().autotune.enabled is False


def test_every_module_that_reads_a_dataset_fixes_its_parallelism():
  modules = [path.read_text() for path in pathlib.Path(nao_tf.__file__).parent.rglob("*.py")]
  reading = [text for text in modules if re.search(r"as_numpy_iterator\(|experimental_distribute_dataset\(", text)]
  assert len(reading) > 5 and all("with_fixed_parallelism(" in text for text in reading)


@pytest.mark.parametrize(
  ("loop", "is_found"),
  [
    ("for x in data.batch(2): pass", True),
    ("y = data.map(f).prefetch(2)\n  for x in y: pass", True),
    ("return [x for x in data.as_numpy_iterator()]", True),
    ("for x in given: pass", True),
    ("y = with_fixed_parallelism(data.batch(2)).as_numpy_iterator()\n  return [x for x in y]", False),
    ("y = with_fixed_parallelism(data)\n  for x in y.as_numpy_iterator(): pass", False),
    ("for x in with_fixed_parallelism(given): pass", False),
    ("for x in numbers: pass", False),
  ],
)
def test_a_loop_over_a_dataset_is_seen(loop, is_found):
  source = f"def read(data, numbers: list[int], given: tf.data.Dataset):\n  {loop}\n"
  assert bool(tuned_loops(ast.parse(source))) == is_found


def test_every_loop_over_a_dataset_fixes_its_parallelism():
  found = {
    f"{path.name}:{line}"
    for path in pathlib.Path(nao_tf.__file__).parent.rglob("*.py")
    for line in tuned_loops(ast.parse(path.read_text()))
  }
  assert not found


def tuned_loops(module):
  """Returns the lines of loops over what is told to be a dataset, in the loop or where the function names it."""
  functions = [node for node in ast.walk(module) if isinstance(node, ast.FunctionDef)]
  return [loop.iter.lineno for function in functions for loop in loops(function) if is_tuned(loop.iter, function)]


def loops(function):
  return [node for node in ast.walk(function) if isinstance(node, ast.For | ast.comprehension)]


def is_tuned(read, function):
  names = [node.id for node in ast.walk(read) if isinstance(node, ast.Name)]
  told = [ast.unparse(node) for node in (read, *(value for name in names for value in meanings(name, function)))]
  if any(re.search(rf"\b({'|'.join(FIXING)})\(", text) for text in told):
    return False
  return any(re.search(rf"\.({'|'.join(READING)})\(|^tf\.data\.Dataset$", text) for text in told)


def meanings(name, function):
  """Yields what a function assigns to a name, and the type of an argument of that name."""
  for node in ast.walk(function):
    if isinstance(node, ast.Assign) and any(isinstance(to, ast.Name) and to.id == name for to in node.targets):
      yield node.value
    elif isinstance(node, ast.arg) and node.arg == name and node.annotation is not None:
      yield node.annotation
