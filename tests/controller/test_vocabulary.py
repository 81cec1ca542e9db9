import numpy as np
import pytest

from nao_tf.controller.vocabulary import Vocabulary
from nao_tf.spaces import make_space
from nao_tf.spaces.published import CELLS


def test_nasnet5_has_the_published_vocabulary():
  vocabulary = Vocabulary.of(make_space("nasnet5"))
  assert (vocabulary.size, vocabulary.length, vocabulary.tokens_per_step) == (12, 40, 2)


def test_tokens_are_the_published_ones():
  tokens = Vocabulary.of(make_space("nasnet5")).encode([CELLS["NAONet-WS"].architecture])
  np.testing.assert_array_equal(tokens[0, :4], [1, 8, 1, 11])


def test_the_start_token_is_never_legal_and_inputs_come_from_earlier_nodes():
  legal = Vocabulary.of(make_space("nasnet5")).legal
  assert not legal[:, 0].any()
  np.testing.assert_array_equal(legal[:, 1:7].sum(1), 2 * [n for i in range(5) for n in (i + 2, 0, i + 2, 0)])
  np.testing.assert_array_equal(legal[:, 7:].sum(1), 20 * [0, 5])


def test_every_token_is_legal_somewhere_but_the_start():
  for name in ("nasnet5", "nasnet11"):
    np.testing.assert_array_equal(Vocabulary.of(make_space(name)).legal.any(0)[1:], True)


def test_an_illegal_token_is_refused_with_its_place():
  vocabulary = Vocabulary.of(make_space("nasnet5"))
  tokens = vocabulary.encode([CELLS["NAONet-WS"].architecture] * 2)
  tokens[1, 3] = 2
  with pytest.raises(ValueError, match="sequence 1: token 2 at position 3, expected 7 to 11"):
    vocabulary.decode(tokens)


def test_no_architectures_are_no_tokens():
  assert Vocabulary.of(make_space("nasnet5")).encode([]).shape == (0, 40)


def test_tokens_per_step_must_divide_the_length():
  with pytest.raises(ValueError, match="3 tokens cannot be read 2 at a time"):
    Vocabulary((1, 1, 1), (2, 2, 2), 3, tokens_per_step=2)
