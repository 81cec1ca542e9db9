import tqdm

from nao_tf.searches.progress import outcome, show_on
from nao_tf.trial import Evaluation, Trial

OPEN = Trial(0, (1, 2))
GOOD, BETTER = OPEN.close(Evaluation(0.5)), OPEN.close(Evaluation(0.75))
FAILED = OPEN.close(Evaluation.failed("no memory"))


def test_an_outcome_is_a_reward_or_a_reason():
  assert [outcome(trial) for trial in (GOOD, FAILED, OPEN)] == ["0.5000", "failed (no memory)", "open"]


def test_the_bar_shows_the_best_and_the_last_trial():
  with tqdm.tqdm(total=3, disable=False, file=open("/dev/null", "w")) as bar:
    show = show_on(bar)
    show(FAILED)
    assert "best=none" in bar.postfix
    show(BETTER)
    show(GOOD)
    assert bar.postfix == "best=0.7500, last=0.5000" and bar.n == 3
