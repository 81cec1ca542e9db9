"""What the report says about the rounds of a predictor."""

import pytest

from nao_tf.reports.outcomes import predictor
from nao_tf.reports.ranking import Ranking


@pytest.mark.parametrize(("count", "words"), [(1, "over 1 round."), (2, "over 2 rounds.")])
def test_rounds_are_counted(count, words):
  assert words in predictor([Ranking(10, (1, 2), (0.1, 0.2), (0.1, 0.2), 1.0)] * count)
