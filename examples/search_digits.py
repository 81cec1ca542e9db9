"""Searches cells for handwritten digits with NAO; each cell is trained for one epoch.

Stop it at any moment and start it again: it goes on where it was.
"""

import nao_tf
from nao_tf.networks.image_network import ImageNetworkConfig
from nao_tf.tasks.base import Configs
from nao_tf.training.config import TrainingConfig

SMALL = Configs(
  ImageNetworkConfig(num_cells=1, filters=4, auxiliary=False, drop_path_keep=1.0, dropout_keep=1.0),
  TrainingConfig(epochs=1, batch_size=64, learning_rate=0.1),
)


def main(directory="runs/digits_example", num_trials=40):
  space = nao_tf.make_space("nasnet5")
  context = nao_tf.EvaluatorContext(space, make_task=lambda: nao_tf.make_task("digits"), configs=SMALL)
  evaluator = nao_tf.make_evaluator("training", context)
  with nao_tf.Journal(directory, {"seed": 0}) as journal:
    strategy = nao_tf.make_strategy("nao", space, seed=0)
    best = nao_tf.run_search(strategy, evaluator, journal, num_trials=num_trials, batch_size=10, on_trial=show)
  print(f"best: {space.format(best.architecture)}, validation accuracy {best.reward:.4f}")
  return best


def show(trial):
  outcome = f"{trial.reward:.4f}" if trial.evaluation.ok else trial.evaluation.metrics["reason"]
  print(f"trial {trial.id}, {trial.origin}: {outcome}")


if __name__ == "__main__":
  main()
