from nao_tf.searches.executors import WorkerStatus
from nao_tf.searches.executors.worker_lines import WorkerLines, in_words

AT_WORK = WorkerStatus(1, 17, "evaluating", 12.3)


def test_a_worker_is_described_with_its_trial_and_its_time():
  assert in_words(AT_WORK) == "worker 1: evaluating trial 17, 12 s"
  assert in_words(WorkerStatus(0, None, "idle", 3.0)) == "worker 0: idle, 3 s"


def test_a_log_file_has_the_times_at_the_end(capsys):
  with WorkerLines() as lines:
    lines.show([AT_WORK])
    lines.show_times("search time 12 s: 1 worker busy")
  assert capsys.readouterr().err == "search time 12 s: 1 worker busy\n"


def test_a_search_in_this_process_has_its_times_at_the_end(capsys):
  lines = WorkerLines()
  lines.show([])
  lines.show_times("12 s")
  assert capsys.readouterr().err == "12 s\n"


def test_nothing_is_shown_if_not_wanted(capsys):
  lines = WorkerLines(shown=False)
  lines.show([AT_WORK])
  lines.show_times("12 s")
  assert capsys.readouterr().err == ""


def test_on_a_terminal_each_worker_has_a_line_that_changes(capsys, monkeypatch):
  monkeypatch.setattr("sys.stderr.isatty", lambda: True)
  with WorkerLines() as lines:
    lines.show([WorkerStatus(0, None, "idle", 3.0), AT_WORK])
    lines.show([WorkerStatus(0, 18, "starting", 0.2), AT_WORK])
  shown = capsys.readouterr().err
  assert all(
    part in shown for part in ("worker 0: idle", "worker 0: starting trial 18", "worker 1: evaluating trial 17")
  )
