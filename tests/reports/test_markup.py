import pytest

from nao_tf.reports.markup import NONE, figure


@pytest.mark.parametrize(
  ("value", "text"),
  [
    (None, NONE),
    (3.0, "3"),
    (0.123456, "0.12346"),
    (12345.6, "12,346"),
    (-1e14, "-100,000,000,000,000"),
    (1.4e301, "1.4e+301"),
    (-2.25e15, "-2.25e+15"),
  ],
)
def test_a_figure_is_short(value, text):
  assert figure(value) == text
