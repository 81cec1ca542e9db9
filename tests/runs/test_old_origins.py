"""Journals of version 0.1.0 said in words where architectures came from."""

import pytest

from nao_tf.runs.old_origins import origin_of_text, read_origin
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


@pytest.mark.parametrize(
  "text",
  [
    "ascent from #1, step nan",
    "ascent from #1, step 1e999",
    "ascent from #1, step far",
    "#5 of the search, reward inf",
    "mutation of #" + 400 * "9",
    "neighbour of #" + 5000 * "9",
  ],
)
def test_words_with_wrong_numbers_are_refused(text):
  with pytest.raises(ValueError, match="expected (a finite number|the number of a trial) for "):
    origin_of_text(text)


def test_origins_of_both_versions_are_read_and_nothing_else():
  assert read_origin("mutation of #3") == read_origin({"kind": "mutation", "parents": [3]}) == Origin("mutation", (3,))
  for value in (None, 3, ["mutation"], {}, {"kind": 1}):
    with pytest.raises(ValueError, match="origin|kind"):
      read_origin(value)
