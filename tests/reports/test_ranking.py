import pytest

from nao_tf.reports.ranking import kendall_tau


@pytest.mark.parametrize(
  ("xs", "ys", "tau"),
  [
    ((1, 2, 3), (4, 5, 6), 1.0),
    ((1, 2), (2, 1), -1.0),
    ((1, 2, 3, 4), (1, 2, 4, 3), 2 / 3),
    ((1, 1), (2, 3), None),
    ((1,), (2,), None),
  ],
)
def test_orders_are_compared(xs, ys, tau):
  assert kendall_tau(xs, ys) == (None if tau is None else pytest.approx(tau))
