from nao_tf.tuner.messages import repaired, with_new_entries
from tests.support import tuner_cases as tuning
from tests.support.tuner_cases import open_oracle, over_messages, score, six


def test_a_trial_survives_the_messages_to_a_worker_and_back(tmp_path):
  oracle = open_oracle(tmp_path, "random", max_trials=20)
  for _ in range(20):
    trial = oracle.create_trial("worker")
    emitted = dict(trial.hyperparameters.values)
    trial = over_messages(trial)
    assert repaired(trial.hyperparameters).values == emitted
    oracle.update_trial(trial.trial_id, {"score": score(emitted)})
    trial.status = "COMPLETED"
    oracle.end_trial(over_messages(trial))
    assert oracle.trials[trial.trial_id].hyperparameters.values == emitted
  assert len(oracle.hyperparameters.space) == len(tuning.shapes().space)


def test_new_entries_are_added_and_handed_out_values_kept():
  known, reported = six(), six()
  known.values = {"on": True, "color": "blue"}
  reported.values = {"on": 1, "color": "blue", "size": 3, "low": 0}
  reported.Int("size", 1, 5)
  together = with_new_entries(known, reported)
  assert together.values["on"] is True and together.values["size"] == 3
  assert [entry.name for entry in together.space] == ["on", "color", "low", "high", "size"]
