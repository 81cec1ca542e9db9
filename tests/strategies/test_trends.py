"""The tendency of scores with what is known of architectures."""

import numpy as np
import pytest

from nao_tf.strategies.trends import Trend

KNOWN = -np.exp(np.linspace(1, 9, 200))[:, np.newaxis]
SCORES = np.linspace(-2, 2, 200)


def test_a_tendency_with_the_logarithm_is_found():
  noise = 0.1 * np.random.default_rng(0).standard_normal(200)
  trend = Trend(KNOWN, SCORES + noise)
  assert trend.spread == pytest.approx(0.1, rel=0.2)
  assert trend.residuals.mean() == pytest.approx(0, abs=1e-9) and trend.residuals.std() == pytest.approx(1)
  assert trend.at(KNOWN) + trend.spread * trend.residuals == pytest.approx(SCORES + noise)


def test_where_nothing_is_known_the_mean_is_left():
  trend = Trend(np.zeros((3, 0)), np.array([1.0, 2.0, 3.0]))
  assert trend.at(np.zeros((2, 0))).tolist() == [2.0, 2.0] and trend.residuals.std() == pytest.approx(1)


def test_what_has_no_figure_counts_as_the_mean():
  trend = Trend(np.array([[-10.0], [-100.0], [-np.inf]]), np.array([0.0, 1.0, 0.5]))
  middle = trend.at(np.array([[-np.inf], [-10.0], [-100.0]]))
  assert np.isfinite(middle).all() and middle[1] < middle[0] < middle[2]


def test_equal_scores_leave_nothing():
  trend = Trend(np.ones((4, 1)), np.ones(4))
  assert trend.residuals.tolist() == [0, 0, 0, 0] and trend.spread == 1
