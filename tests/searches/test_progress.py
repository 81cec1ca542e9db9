import io

import tqdm

from nao_tf.runs.progress_bars import progress_bar
from nao_tf.searches.progress import SearchProgress, outcome
from nao_tf.training.base import Epoch
from nao_tf.trial import Evaluation, Trial

OPEN = Trial(0, (1, 2))
GOOD, BETTER = Trial(3, (1, 2)).close(Evaluation(0.5)), Trial(7, (1, 2)).close(Evaluation(0.75))
FAILED = Trial(2, (1, 2)).close(Evaluation.failed("no memory"))


def test_an_outcome_is_a_reward_or_a_reason():
  assert [outcome(trial) for trial in (GOOD, FAILED, OPEN)] == ["0.5000", "failed (no memory)", "open"]


def test_the_bar_shows_the_best_the_failures_and_the_last_trial():
  with tqdm.tqdm(total=3, file=io.StringIO()) as bar:
    progress = SearchProgress(bar)
    progress.on_trial(FAILED)
    assert bar.postfix == "1 failed, trial 2: failed (no memory)"
    progress.on_trial(BETTER)
    progress.on_trial(GOOD)
    assert bar.postfix == "best 0.7500 (trial 7), 1 failed, trial 3: 0.5000" and bar.n == 3


def test_the_bar_shows_the_epoch_within_a_trial():
  with tqdm.tqdm(total=3, file=io.StringIO()) as bar:
    progress = SearchProgress(bar)
    progress.on_trial(GOOD)
    progress.on_epoch(4, Epoch(3, 10, {}))
    assert bar.postfix == "best 0.5000 (trial 3), trial 4: epoch 3 of 10" and bar.n == 1


def test_a_log_file_has_a_line_for_each_new_trial_and_none_for_epochs_and_known_trials(capsys):
  with progress_bar(3, "trial", initial=1) as bar:
    progress = SearchProgress(bar, num_known=1, with_epochs=lambda: False)
    progress.on_trial(GOOD)
    progress.on_epoch(7, Epoch(1, 2, {}))
    progress.on_trial(BETTER)
    progress.on_trial(FAILED)
  lines = capsys.readouterr().err.splitlines()
  assert len(lines) == 2
  assert "2/3 trial" in lines[0] and lines[0].endswith("best 0.7500 (trial 7), trial 7: 0.7500")
  assert lines[1].endswith("best 0.7500 (trial 7), 1 failed, trial 2: failed (no memory)")


def test_the_time_left_follows_from_the_trials_of_this_process():
  with progress_bar(100, "trial", initial=90) as bar:
    bar.n = 95
    assert bar.format_dict["initial"] == 90 and bar.smoothing == 0
