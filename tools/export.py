"""Exports the network of a training, at its last checkpoint: as a SavedModel, for Keras or for TensorFlow Lite.

With --controller it exports the controller of a search with --strategy=nao, which predicts scores and improves
architectures.

Example:
  nao-export --workdir=runs/naonet_ws --saved_model=served/naonet_ws
  nao-export --workdir=runs/naonet_ws --saved_model=served/half --export_precision=float16
  nao-export --workdir=runs/naonet_ws --format=keras --output=served/naonet_ws.keras
  nao-export --workdir=runs/naonet_ws --format=tflite_int8 --output=served/naonet_ws.tflite --data_dir=/data/tfds
  nao-export --workdir=runs/search --controller --output=served/controller

The .keras file of a language model has custom layers, so it is loaded with nao_tf.load_model where nao_tf is installed.

The training may still be running. Network and task are read from its directory, so the data is not needed, except for
the images with which tflite_int8 calibrates its value ranges. Directories of version 0.1 do not record the task; for
these, give the location of the data. If the data is available, an exported file is compared with the network on test
images.
"""

from typing import TYPE_CHECKING

from absl import flags

from nao_tf.serving import check_export, export_controller, export_network, read_exporter
from nao_tf.serving.precisions import FLOAT32, check_precision_of_format
from nao_tf.tasks.base import Task
from nao_tf.tools import experiment, quiet, running

if TYPE_CHECKING:
  from nao_tf.tasks.image_classification import ImageClassification

SAVED_MODEL = "saved_model"
FILE_FORMATS = ("keras", "tflite", "tflite_int8", "tflite_float16")
"""The names in `nao_tf.serving.model_files.FORMATS`."""


def define_flags(flag_values: flags.FlagValues) -> None:
  """Defines the flags of an export."""
  flags.DEFINE_string("workdir", None, "directory of the training or search", flag_values=flag_values)
  help_ = "saved_model: a TensorFlow SavedModel that takes raw images or text; keras: a .keras file, which needs nao_tf"
  help_ += (
    " for language models; for images also tflite: a .tflite file with 8-bit weights; tflite_int8: 8-bit weights and"
    " activations; tflite_float16: 16-bit weights"
  )
  flags.DEFINE_enum("format", SAVED_MODEL, [SAVED_MODEL, *FILE_FORMATS], help_, flag_values=flag_values)
  help_ = "checkpoint to export: the last one, or that of the epoch with the lowest validation loss"
  flags.DEFINE_enum("checkpoint", "last", ["last", "best"], help_, flag_values=flag_values)
  flags.DEFINE_string(
    "output", None, "path of the file, or directory of the SavedModel, to write", flag_values=flag_values
  )
  flags.DEFINE_string(
    SAVED_MODEL, None, "directory of the SavedModel to write; same as --output", flag_values=flag_values
  )
  help_ = "whether to export the controller of the search in --workdir as a SavedModel, instead of a network"
  flags.DEFINE_boolean("controller", False, help_, flag_values=flag_values)
  experiment.define_precision_flag(flag_values)
  experiment.define_data_flags(flag_values)
  flags.mark_flag_as_required("workdir", flag_values)


def main(flag_values: flags.FlagValues) -> int:
  """Exports; returns the exit code."""
  output = output_of(flag_values)
  quiet.load_tensorflow()
  if flag_values.controller:
    export_controller(flag_values.workdir, output)
    print(f"exported: {output}, the controller of {flag_values.workdir}")
    return 0
  if flag_values.format == SAVED_MODEL:
    return export_saved_model(flag_values, output)
  return export_model_file(flag_values, output)


def output_of(flag_values: flags.FlagValues) -> str:
  """Returns what to write.

  Raises:
    ValueError: if the flags name nothing, or two things, or a SavedModel in another format; or half precision for
      something else than the SavedModel of a network.
  """
  given = [value for value in (flag_values.output, flag_values.saved_model) if value]
  if len(given) != 1:
    raise ValueError("expected either --output or --saved_model, the path to write to")
  if flag_values.saved_model and flag_values.format != SAVED_MODEL:
    raise ValueError(f"--format={flag_values.format} writes a file: name it with --output, not with --saved_model")
  if flag_values.controller and flag_values.format != SAVED_MODEL:
    raise ValueError(f"--controller writes a SavedModel; it cannot be combined with --format={flag_values.format}")
  check_precision_of_format(flag_values.export_precision, flag_values.format)
  if flag_values.controller and flag_values.export_precision != FLOAT32:
    raise ValueError(
      f"--export_precision={flag_values.export_precision} is for networks; it cannot be combined with --controller"
    )
  return str(given[0])


def export_saved_model(flag_values: flags.FlagValues, directory: str) -> int:
  """Exports as a SavedModel."""
  from nao_tf.serving.trained_networks import read_trained_network

  task = task_of(flag_values)
  check_export(directory, task, flag_values.export_precision)
  trained = read_trained_network(flag_values.workdir, task, best=flag_values.checkpoint == "best")
  precision = flag_values.export_precision
  export_network(trained.network, directory, genotype=trained.genotype, task=task, precision=precision)
  print(f"exported: {directory}, from the checkpoint of epoch {trained.epochs}")
  return 0


def export_model_file(flag_values: flags.FlagValues, path: str) -> int:
  """Exports as a file, and prints what was measured on it."""
  from nao_tf.serving.model_files import check_file
  from nao_tf.serving.trained_image_files import export_file, random_images, some_images, training_images
  from nao_tf.serving.trained_networks import read_trained_network
  from nao_tf.tasks.image_classification import ImageClassification

  check_file(path, flag_values.format)
  task = task_of(flag_values)
  if not isinstance(task, ImageClassification):
    return export_language_model_file(flag_values, task, path)
  data = data_of(flag_values)
  trained = read_trained_network(flag_values.workdir, task, best=flag_values.checkpoint == "best")
  images = random_images(task) if data is None else some_images(data)
  measured = export_file(trained, path, flag_values.format, images, () if data is None else training_images(data))
  print(f"exported: {path}, from the checkpoint of epoch {trained.epochs}")
  print(f"measured on {'random images' if data is None else 'images of ' + task.name}: {measured}")
  return 0


def export_language_model_file(flag_values: flags.FlagValues, task: Task, path: str) -> int:
  """Exports a language model as a file, and prints what was measured on it."""
  from nao_tf.serving.trained_language_files import check_language_format, export_language_file
  from nao_tf.serving.trained_networks import read_trained_network

  check_language_format(flag_values.format, task.name)
  trained = read_trained_network(flag_values.workdir, task, best=flag_values.checkpoint == "best")
  measured = export_language_file(trained, path)
  print(f"exported: {path}, from the checkpoint of epoch {trained.epochs}")
  print(f"measured on random words: {measured}")
  print(
    f"to load it: nao_tf.load_model({path!r}); some of its layers are defined in nao_tf, so nao_tf must be installed"
  )
  return 0


def task_of(flag_values: flags.FlagValues) -> Task:
  """Returns the task of a training: as its directory records it, without data, or else with the data that flags name.

  Raises:
    ValueError: if the record cannot be read, or there is none and the data is missing.
    RunDirectoryError: if the flags name a text that is not that of the training.
  """
  from nao_tf.serving.trained_networks import training_directory, training_settings

  directory = training_directory(flag_values.workdir)
  settings, exporter = training_settings(directory), read_exporter(directory)
  experiment.check_text(settings, flag_values)
  return experiment.recorded_task(settings, flag_values) if exporter is None else exporter.task


def data_of(flag_values: flags.FlagValues) -> "ImageClassification | None":
  """Returns the task of a training with its data; None if the data is not here and the format does not need it.

  Raises:
    ValueError: if the format needs training images, and they are not here.
  """
  from nao_tf.serving.model_files import FORMATS
  from nao_tf.serving.trained_networks import training_directory, training_settings
  from nao_tf.tasks.image_classification import ImageClassification

  try:
    task = experiment.recorded_task(training_settings(training_directory(flag_values.workdir)), flag_values)
    if isinstance(task, ImageClassification) and task.num_examples("train"):
      return task
    reason = "the task has no images"
  except (ValueError, OSError) as error:
    reason = str(error)
  if FORMATS[flag_values.format].needs_images:
    raise ValueError(
      f"--format={flag_values.format} needs training images to measure the ranges of values; pass the directory that has"
      f" them as --data_dir ({reason})"
    )
  return None


def cli() -> None:
  """Runs the command."""
  running.run(define_flags, main, writes=False)


if __name__ == "__main__":
  cli()
