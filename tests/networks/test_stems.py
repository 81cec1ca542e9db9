"""What the stems make of an image."""

import pytest

from nao_tf.networks.conventions import CONVENTIONS
from nao_tf.networks.stems import STEMS


@pytest.mark.parametrize(
  ("stem", "convention", "expected"),
  [
    ("cifar", "nao", ((None, 224, 224, 24), (None, 224, 224, 24))),
    ("imagenet", "nao", ((None, 111, 111, 32), (None, 111, 111, 32))),
    ("imagenet", "torch", ((None, 56, 56, 8), (None, 28, 28, 8))),
  ],
)
def test_shapes_of_the_states(stem, convention, expected):
  assert STEMS[stem](8, CONVENTIONS[convention], 0).compute_output_shape((None, 224, 224, 3)) == expected
