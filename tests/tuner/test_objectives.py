import keras_tuner

from nao_tf.tuner.objectives import directions, in_words


def test_an_objective_is_made_of_one_metric_or_of_several():
  loss, accuracy = keras_tuner.Objective("loss", "min"), keras_tuner.Objective("accuracy", "max")
  assert directions(loss) == {"loss": "min"}
  joined = keras_tuner.Oracle([loss, accuracy]).objective
  assert directions(joined) == {"loss": "min", "accuracy": "max"}
  assert in_words(directions(joined)) == "loss (min) and accuracy (max)"
