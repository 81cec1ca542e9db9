"""Journals of version 0.1.0 said in words where architectures came from."""

import pytest

from nao_tf.runs.old_origins import origin_of_text
from nao_tf.trial import RANDOM, UNKNOWN, Origin


@pytest.mark.parametrize(
  ("text", "origin"),
  [
    ("random", RANDOM),
    ("", UNKNOWN),
    ("mutation of #3", Origin("mutation", (3,))),
    ("ascent from #12, step 10", Origin("ascent", (12,), step=10.0)),
    ("ascent from #12, step 0.5, after others", Origin("ascent", (12,), step=0.5, indirect=True)),
    ("ascent from #1, step 1e+06", Origin("ascent", (1,), step=1e6)),
    ("decoded around #7", Origin("decoded", (7,))),
    ("decoded around #7, after others", Origin("decoded", (7,), indirect=True)),
    ("neighbour of #70", Origin("neighbor", (70,))),
    ("#5 of the search, reward 0.7000", Origin("rerank", (5,), reward=0.7)),
    ("#5 of the search, reward -4.5000", Origin("rerank", (5,), reward=-4.5)),
    ("a word of somebody's own strategy #3", Origin("a word of somebody's own strategy #3")),
  ],
)
def test_the_words_are_read(text, origin):
  assert origin_of_text(text) == origin
  assert str(origin) == text.replace("neighbour", "neighbor")
