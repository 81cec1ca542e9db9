"""Progress in a log file."""

import re

from nao_tf.runs.progress_bars import progress_bar


def test_a_log_file_has_one_line_with_the_time_for_each(capsys):
  with progress_bar(3, "trial") as bar:
    for reward in (0.5, 0.25, 0.75):
      bar.set_postfix(last=reward, refresh=False)
      bar.update()
  lines = capsys.readouterr().err.splitlines()
  assert [re.sub(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ", "", line).split(" [")[0] for line in lines] == [
    "1/3 trial",
    "2/3 trial",
    "3/3 trial",
  ]
  assert lines[1].endswith("last=0.25")


def test_nothing_is_shown_if_that_is_not_wanted(capsys):
  with progress_bar(3, "trial", shown=False) as bar:
    bar.update()
  assert not capsys.readouterr().err
