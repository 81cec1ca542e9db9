"""Runs a model file in a process of its own, without this package: its answers for some images, and how long they take.

Usage: python model_file_runner.py MODEL IMAGES.npy ANSWERS.npz

MODEL is a .keras or a .tflite file. The answers have `probabilities`, `one_ms` and `batch_ms`: the median milliseconds for
one image and for a batch of `BATCH` images, or of all images if there are fewer.
"""

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

BATCH = 32
_REPEATS = 7

Runner = Callable[[np.ndarray], np.ndarray]


def main(model: str, images_path: str, answers_path: str) -> None:
  """Runs a model file; see the module."""
  images = np.load(images_path)
  run = tflite_runner(model) if model.endswith(".tflite") else keras_runner(model)
  parts = [run(images[start : start + BATCH]) for start in range(0, len(images), BATCH)]
  np.savez(
    answers_path,
    probabilities=np.concatenate(parts),
    one_ms=_median(run, images[:1]),
    batch_ms=_median(run, images[:BATCH]),
  )


def keras_runner(path: str) -> Runner:
  """Returns what answers with a Keras model."""
  model = tf.keras.models.load_model(path, compile=False)
  (entry,) = model.inputs
  taken = tf.TensorSpec((None, *entry.shape[1:]), entry.dtype)  # One graph for batches of any size.
  answer = tf.function(lambda images: model(images, training=False), input_signature=[taken], autograph=False)
  return lambda images: answer(tf.constant(images, entry.dtype)).numpy()


def tflite_runner(path: str) -> Runner:
  """Returns what answers with a model of TensorFlow Lite, in floats."""
  interpreter = tf.lite.Interpreter(path)

  def run(images: np.ndarray) -> np.ndarray:
    entry, end = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    if tuple(entry["shape"]) != images.shape:
      interpreter.resize_tensor_input(entry["index"], images.shape)
      interpreter.allocate_tensors()
    interpreter.set_tensor(entry["index"], quantized(images, entry))
    interpreter.invoke()
    return restored(interpreter.get_tensor(end["index"]), end)

  interpreter.allocate_tensors()
  return run


def quantized(values: np.ndarray, detail: dict[str, Any]) -> np.ndarray:
  """Returns values as the input of a model of TensorFlow Lite takes them."""
  scale, zero = detail["quantization"]
  if not scale:
    return values.astype(detail["dtype"])
  limits = np.iinfo(detail["dtype"])
  return np.clip(np.round(values / scale + zero), limits.min, limits.max).astype(detail["dtype"])


def restored(values: np.ndarray, detail: dict[str, Any]) -> np.ndarray:
  """Returns the output of a model of TensorFlow Lite as floats."""
  scale, zero = detail["quantization"]
  return (values.astype(np.float32) - zero) * scale if scale else values


def _median(run: Runner, images: np.ndarray) -> float:
  """Returns the median milliseconds of a run."""
  seconds = []
  for _ in range(_REPEATS):
    start = time.perf_counter()
    run(images)
    seconds.append(time.perf_counter() - start)
  return 1000 * float(np.median(seconds))


if __name__ == "__main__":
  main(*sys.argv[1:])
