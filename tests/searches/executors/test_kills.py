"""Searches in processes whose workers and drivers are killed: nothing that was finished is lost or evaluated again."""

import pytest

from tests.support import executor_kills


@pytest.mark.slow
def test_no_finished_trial_is_lost_or_repeated_when_workers_and_drivers_are_killed(tmp_path):
  results, kills = executor_kills.main(str(tmp_path), num_kills=10, seconds=120, num_trials=150)
  assert results and kills["worker"] > 0 and kills["driver"] > 0
  for result in results:
    assert result["lost"] == result["repeated"] == result["orphans"] == result["open"] == 0
    assert result["asked"] == result["different"] == 150 and result["failed"] <= kills["worker"]
    assert result["ends"][-1] == 0
