"""The driver: asks, tells and repeats; what is on record prevails."""

import pytest

from nao_tf.searches.driver import Driver
from nao_tf.strategies import make_strategy
from nao_tf.trial import RANDOM, Evaluation, Origin, Trial
from tests.support.toys import CountingEvaluator, ToySpace

ELSEWHERE = Origin("elsewhere")


def make_driver(name="evolution", seed=0, **options):
  return Driver(make_strategy(name, ToySpace(), seed=seed), **options)


def search(driver, batches):
  """Returns what happens: batches that are asked for, and their trials as they close."""
  events = []
  for count in batches:
    batch = driver.ask(count)
    closed = [trial.close(CountingEvaluator().score(trial.architecture)) for trial in batch]
    driver.tell(closed)
    events += [batch, *closed]
  return events


def asked(events):
  return [trial for event in events if isinstance(event, list) for trial in event]


def warnings(caplog):
  return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


def test_trials_are_numbered_and_say_where_they_come_from():
  trials = asked(search(make_driver("random"), [2, 3]))
  assert [trial.id for trial in trials] == list(range(5)) and {trial.origin for trial in trials} == {RANDOM}


def test_repeated_a_search_goes_on_as_if_it_had_not_ended(caplog):
  events = search(make_driver(), [4, 3, 2])
  driver = make_driver()
  assert driver.replay(events[:9]) == []
  assert asked(search(driver, [2])) == asked(events)[7:]
  assert not warnings(caplog)


def test_open_trials_are_returned():
  events = search(make_driver(), [4])
  assert make_driver().replay(events[:3]) == asked(events)[2:]


def test_what_is_on_record_prevails_over_what_would_be_asked_now(caplog):
  other = make_driver(seed=1)
  trials = asked(events := search(make_driver(seed=2), [3, 3]))
  other.replay(events)
  assert len(warnings(caplog)) == 1
  assert other.num_trials == other.strategy.num_asked == 6
  assert other.strategy.origin(trials[0].architecture) == trials[0].origin
  rest = asked(search(other, [4, 4, 4]))
  assert not {trial.architecture for trial in rest} & {trial.architecture for trial in trials}
  assert [trial.id for trial in rest] == list(range(6, 18))


def test_what_was_taken_back_may_be_asked_for_later():
  driver = make_driver()
  (asked_for,) = driver.ask(1)
  recorded = next(a for a in ToySpace().enumerate() if driver.strategy.is_new(a))
  driver.replace([asked_for], [Trial(0, recorded, ELSEWHERE)])
  assert driver.strategy.is_new(asked_for.architecture) and not driver.strategy.is_new(recorded)


def test_a_record_longer_than_the_space_is_taken_as_it_is(caplog):
  driver = make_driver()
  driver.replay(search(make_driver(), [9, 9]))
  driver.repeat([Trial(18, (0, 0, 0, 1), ELSEWHERE)])
  assert driver.num_trials == 19 and "but this version proposes none" in warnings(caplog)[0]


def test_an_architecture_of_another_space_is_refused():
  with pytest.raises(ValueError, match="toy: expected 4 decisions, got 2"):
    make_driver().replay([[Trial(0, (0, 1))]])


def test_earlier_trials_and_those_that_others_chose_are_counted():
  driver = make_driver(num_earlier=5)
  (trial,) = driver.count_as_asked([((0, 0, 0, 1), ELSEWHERE)])
  assert (trial.id, trial.origin) == (5, ELSEWHERE) and not driver.strategy.is_new((0, 0, 0, 1))
  assert driver.ask(2)[1].id == 7 and driver.strategy.num_asked == 8


def test_without_a_cache_nothing_is_read_or_written(tmp_path):
  driver = make_driver()
  driver.restore()
  driver.save()
  driver.tell([Trial(0, (0, 0, 0, 1), evaluation=Evaluation(1.0))])
  assert not list(tmp_path.iterdir())
