from nao_tf.reports.charts import history_charts, pareto_rows


def test_the_front_has_the_best_at_each_cost():
  points = [(3, 0.9, 0), (1, 0.5, 1), (2, 0.4, 2), (1, 0.6, 3), (4, 0.9, 4)]
  assert pareto_rows(points) == [3, 0]


def test_metrics_of_one_kind_share_a_chart_and_what_is_not_finite_is_left_out():
  history = [
    {"epoch": 1, "train_loss": float("nan"), "valid_loss": 2.0, "valid_accuracy": 0.5, "seconds": 1.0},
    {"epoch": 2, "train_loss": 1.0, "valid_loss": 1.0, "valid_accuracy": 0.75, "seconds": 1.0},
  ]
  charts = history_charts("training_0", history)
  loss, accuracy = charts["training_0_0"], charts["training_0_1"]
  assert [(one["name"], one["x"], one["y"]) for one in loss["series"]] == [
    ("train_loss", [2], [1.0]),
    ("valid_loss", [1, 2], [2.0, 1.0]),
  ]
  assert accuracy["y"] == "accuracy"
