import pytest

from nao_tf.tasks import make_task
from nao_tf.tasks.image_classification import ImageClassification
from nao_tf.tasks.language_modeling import LanguageModeling
from nao_tf.tasks.task_input import task_input
from tests.support import shapes, toy_text


def test_whatever_is_given_becomes_a_task(tmp_path):
  texts = [line for split in ("train", "valid") for line in toy_text.sentences(split)]
  (tmp_path / "text.txt").write_text("\n".join(texts))
  folder = shapes.write_folders(tmp_path / "images")
  images = (*((folder, None), ("digits", None)), shapes.shape_arrays(8))
  assert all(isinstance(task_input(*given).make_task(None), ImageClassification) for given in images)
  words = (texts, str(tmp_path / "text.txt"), "python_reference")
  assert all(isinstance(task_input(given).make_task(None), LanguageModeling) for given in words)


def test_a_task_is_taken_as_it_is():
  task = make_task("digits", validation_fraction=0.5)
  given = task_input(task)
  assert given.make_task(None) is task is given.make_task(0.0) and given.settings == {"task": "digits"}
  with pytest.raises(ValueError, match="digits: already has a validation set"):
    given.make_task(0.2)
  own = toy_text.toy_task()
  assert task_input(own).settings == {"task": "nao_tf.tasks.language_modeling:LanguageModeling"}


@pytest.mark.parametrize(
  ("x", "y", "options", "message"),
  [
    (None, None, {}, "expected data as x"),
    (["a b", "c d"], None, {"image_size": 8}, "image_size: not for a text"),
    ("python_reference", None, {"class_weight": "balanced"}, "class_weight: not for a text"),
    ("python_reference", [1], {}, "expected no y for texts"),
    ("digits", None, {"max_vocabulary": 8}, "max_vocabulary: not for images"),
    (make_task("digits"), None, {"image_size": 8}, "image_size: not for an existing task"),
    (make_task("digits"), [1], {}, "expected no y, since a task has its labels"),
    ("tests.support.own_task:BrightCorners", None, {}, "expected a task of images or of text"),
    ("digitz", None, {}, "unknown task 'digitz': did you mean digits"),
    ("-", None, {}, "^unknown task '-': there are the tasks digits, [^\n]*$"),
    ("digits", None, {"evaluator": 3}, "unknown option 'evaluator' of the data; expected one of image_size"),
    ([], None, {}, r"expected data as x: .*; got \[\]"),
    ({"a": 1}, None, {}, r"the name of a task as x, got \{'a': 1\}"),
    (3, [1, 2], {}, "expected images"),
  ],
)
def test_what_cannot_be_used_is_an_error(x, y, options, message):
  with pytest.raises(ValueError, match=message):
    task_input(x, y, **options).make_task(None)


@pytest.mark.parametrize("text", ["the cat sat", "the cat\nsat", "my photos"])
def test_a_text_that_names_nothing_is_an_error(text):
  with pytest.raises(FileNotFoundError, match=r"there is no file, directory or task '.*; pass texts as a list"):
    task_input(text)
