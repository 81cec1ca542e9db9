"""The drawings of the choice probabilities of a one-shot search."""

import pytest

from nao_tf.reports.shares_over_time import shares_over_time
from nao_tf.runs.shares import SHARES_FILE, Shares, SharesFile, read_shares


def shares(first):
  return [
    Shares("normal cell", "0 to 2", ("zero", "a<b"), (first, 1 - first)),
    Shares("reduction cell", "0 to 2", ("zero", "a<b"), (0.5, 0.5)),
  ]


def test_what_is_recorded_is_read_and_the_later_line_of_an_epoch_counts(tmp_path):
  assert read_shares(str(tmp_path)) == {}
  file = SharesFile(str(tmp_path))
  for epoch, first in ((1, 0.5), (2, 0.4), (2, 0.25)):
    file.add(epoch, shares(first))
  file.add(3, [])
  file.close()
  assert read_shares(str(tmp_path)) == {1: shares(0.5), 2: shares(0.25)}


@pytest.mark.parametrize("line", ['{"epoch": 0, "shares": []}', '{"epoch": 1}', '{"epoch": 1, "shares": [1]}'])
def test_a_damaged_file_is_named(tmp_path, line):
  (tmp_path / SHARES_FILE).write_text(line + "\n")
  with pytest.raises(ValueError, match=SHARES_FILE):
    read_shares(str(tmp_path))


def test_each_decision_has_a_drawing_with_its_likeliest_choice():
  page = shares_over_time({1: shares(0.5), 2: shares(0.25)})
  assert page.count("<svg") == 2 and page.count("<polyline") == 4 and page.count('class="best"') == 2
  assert "0 to 2: a&lt;b 0.75" in page and "<h3>reduction cell</h3>" in page and "a<b" not in page
  assert 'points="0,30.0 160,15.0"' in page
  assert shares_over_time({}) == ""


def test_many_epochs_are_thinned_out():
  page = shares_over_time({epoch: shares(0.5) for epoch in range(1, 201)})
  assert page.count(",") < 4 * 70


def test_decisions_of_a_kind_stand_together_also_if_they_lie_apart():
  apart = [Shares(group, f"{number}", ("a", "b"), (0.5, 0.5)) for number, group in enumerate("xyxy")]
  page = shares_over_time({1: apart})
  assert page.count("<h3>") == 2 and page.count("<svg") == 4 and page.index(">2: a") < page.index(">1: a")
