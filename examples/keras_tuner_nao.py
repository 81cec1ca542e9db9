"""NAO as a tuner of KerasTuner: the number of layers is itself a hyperparameter."""

from sklearn.datasets import load_digits
from tensorflow import keras

import nao_tf


def build(hp):
  model = keras.Sequential()
  for i in range(hp.Int("num_layers", 1, 3)):
    model.add(keras.layers.Dense(hp.Int(f"units_{i}", 16, 64, step=16), activation="relu"))
  model.add(keras.layers.Dense(10, activation="softmax"))
  optimizer = keras.optimizers.Adam(hp.Float("learning_rate", 1e-4, 1e-1, sampling="log"))
  model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
  return model


def main(directory="runs", max_trials=20, epochs=5):
  images, digits = load_digits(return_X_y=True)
  tuner = nao_tf.NAOTuner(
    build, "val_accuracy", max_trials=max_trials, seed=0, directory=directory, project_name="keras_tuner_example"
  )
  tuner.search(images / 16, digits, validation_split=0.2, epochs=epochs, verbose=0)
  tuner.results_summary(num_trials=3)
  return tuner.get_best_hyperparameters()[0].values


if __name__ == "__main__":
  main()
