import numpy as np
import pytest

from nao_tf.tasks.class_labels import numbered_classes


@pytest.mark.parametrize(
  ("labels", "numbers", "names"),
  [
    (["dog", "cat", "dog", "cat"], [1, 0, 1, 0], ["cat", "dog"]),
    (np.array([b"b", b"a", b"b", b"a"]), [1, 0, 1, 0], ["a", "b"]),
    ([7, 3, 7, 3, 11, 11], [1, 0, 1, 0, 2, 2], ["3", "7", "11"]),
    (np.array([[-1], [4], [-1], [4]]), [0, 1, 0, 1], ["-1", "4"]),
    (np.array([1.0, 2.0, 2.0, 1.0]), [0, 1, 1, 0], ["1", "2"]),
    (np.array([True, False, False, True]), [1, 0, 0, 1], ["False", "True"]),
    (np.array([2, 1, 1, 2], object), [1, 0, 0, 1], ["1", "2"]),
    (np.eye(3)[[0, 2, 0, 2, 1, 1]], [0, 2, 0, 2, 1, 1], ["0", "1", "2"]),
    (np.repeat(np.arange(300), 2), np.repeat(np.arange(300), 2).tolist(), [str(i) for i in range(300)]),
  ],
)
def test_labels_become_numbers_and_names(labels, numbers, names):
  found, found_names = numbered_classes(labels, "y")
  assert found.dtype == np.int32 and found.tolist() == numbers and found_names == names


def test_numbers_of_named_classes_stay_as_they_are():
  found, names = numbered_classes([1, 0, 1, 0], "y", names=["cat", "dog"])
  assert found.tolist() == [1, 0, 1, 0] and names == ["cat", "dog"]


@pytest.mark.parametrize(
  ("labels", "message"),
  [
    (["a", "a"], "at least two classes, got 'a'"),
    (["a", "a", "b"], r"at least two images of each class, got 1 of 'b'"),
    ([0.5, 1, 1, 0.5], "texts or whole numbers, got 0.5 as label 0"),
    ([float("nan"), 1, 1], "got nan as label 0"),
    (["a", None, "a"], "all texts or all whole numbers, got NoneType, str"),
    (np.full((3, 3), 0.3), r"got an array \[3, 3\] of float64; for probabilities of classes"),
    ([[1, 0], [1, 1], [0, 1], [0, 0]], r"row 1 has 2 \(2 such rows\)"),
    (np.zeros((2, 2, 2)), r"\[N\], got an array \[2, 2, 2\]"),
    ([[1], [1, 2]], "labels of different shapes"),
    ({"a": 1}, r"expected a list or an array of labels, one for each image, got \{'a': 1\}"),
    ({0, 1}, r"a list or an array of labels, one for each image, got \{0, 1\}"),
    (3, "a list or an array of labels, one for each image, got 3"),
    (["a\nb", "a\nb", "c", "c"], "one line of Unicode"),
    (np.array([1j, 1j]), "texts or whole numbers, got complex128"),
  ],
)
def test_other_labels_are_an_error(labels, message):
  with pytest.raises(ValueError, match=f"^y: .*{message}"):
    numbered_classes(labels, "y")


@pytest.mark.parametrize("labels", [[0, 2, 0, 2], [-1, 0, 0, -1], ["cat", "dog"] * 2])
def test_other_labels_than_the_numbers_of_named_classes_are_an_error(labels):
  with pytest.raises(ValueError, match="numbers from 0 to 1 as labels"):
    numbered_classes(labels, "y", names=["cat", "dog"])
