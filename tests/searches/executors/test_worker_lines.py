from nao_tf.searches.executors import WorkerStatus
from nao_tf.searches.executors.worker_lines import WorkerLines, in_words
from nao_tf.trial import Evaluation, Trial

AT_WORK = WorkerStatus(1, 17, "evaluating", 12.3)


def test_a_worker_is_described_with_its_trial_and_its_time():
  assert in_words(AT_WORK) == "worker 1: evaluating trial 17, 12 s"
  assert in_words(WorkerStatus(0, None, "idle", 3.0)) == "worker 0: idle, 3 s"


def test_without_a_terminal_there_is_a_line_for_each_trial(capsys):
  with WorkerLines() as lines:
    lines.show([AT_WORK])
    lines.show_trial(Trial(17, (0,)).close(Evaluation(0.5, 12.0)))
    lines.show_trial(Trial(18, (1,)).close(Evaluation.failed("no", 2.0)))
  assert capsys.readouterr().err.split("\n")[:2] == ["trial 17: 0.5000, 12 s", "trial 18: failed, 2 s"]


def test_nothing_is_shown_without_workers_or_if_not_wanted(capsys):
  for lines, workers in ((WorkerLines(), []), (WorkerLines(shown=False), [AT_WORK])):
    lines.show(workers)
    lines.show_trial(Trial(17, (0,)).close(Evaluation(0.5)))
    lines.show_times("12 s")
  assert capsys.readouterr().err == ""


def test_on_a_terminal_each_worker_has_a_line_that_changes(capsys, monkeypatch):
  monkeypatch.setattr("sys.stderr.isatty", lambda: True)
  with WorkerLines() as lines:
    lines.show([WorkerStatus(0, None, "idle", 3.0), AT_WORK])
    lines.show_trial(Trial(17, (0,)).close(Evaluation(0.5)))
  shown = capsys.readouterr().err
  assert "worker 1: evaluating trial 17, 12 s" in shown and "0.5000" not in shown
