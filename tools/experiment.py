"""Flags shared by several commands: the task, the networks and their training, and the process that runs them."""

import dataclasses
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from absl import flags, logging

from nao_tf.networks.layered_plan import unused_fields
from nao_tf.runs.settings import CONFIG_FILE, RunDirectoryError, read_settings
from nao_tf.serving import check_precision, has_exporter
from nao_tf.serving.precisions import FLOAT32, PRECISIONS
from nao_tf.spaces.genotypes import PLAIN_GENOTYPES, Genotype
from nao_tf.tasks import TASKS, TRAITS, TaskTraits, make_task, task_traits
from nao_tf.tasks.base import Configs, Task
from nao_tf.tasks.class_weights import BALANCED
from nao_tf.tasks.text import TextFiles
from nao_tf.tasks.traits import HOLD_OUTS
from nao_tf.tools import flag_types, flagging, quiet, stopping
from nao_tf.training.cluster import cluster_of

if TYPE_CHECKING:
  import tensorflow as tf

# Options of tasks that determine results.
_TASK_OPTIONS = (
  *("train_examples", "validation_fraction", "image_size", "photographs", "max_vocabulary", "class_weight"),
)
TEST_DATA = ("data_dir", "text_dir", "image_dir", "image_size", "photographs", "skip_corrupt", "max_vocabulary")
"""Flags that say what the test data of a task is."""
_HOLD_OUT = "hold_out"
TENSORBOARD = ("all", "none")
# Fields of configurations that are computed, so there is no flag for them.
_COMPUTED = ("drop_path_steps",)


def define_process_flags(flag_values: flags.FlagValues) -> None:
  """Defines the flags of the process: where it writes, its seed, its devices."""
  help_ = "directory of this run; created if it does not exist, resumed if it does"
  flags.DEFINE_string("workdir", None, help_, flag_values=flag_values)
  flags.DEFINE_integer("seed", 0, "random seed", 0, flag_values=flag_values)
  help_ = "number of devices to train on; without GPUs, the CPU is split into this many; default: all GPUs"
  flags.DEFINE_integer("num_replicas", None, help_, 1, flag_values=flag_values)
  help_ = "whether runs with the same seed give bitwise identical results"
  flags.DEFINE_boolean("deterministic", True, help_, flag_values=flag_values)
  flags.mark_flag_as_required("workdir", flag_values)


def define_tensorboard_flag(flag_values: flags.FlagValues) -> None:
  """Defines the flag that says what is written for TensorBoard."""
  help_ = "what to log for TensorBoard in the work directory: everything, or nothing"
  flags.DEFINE_enum("tensorboard", "all", list(TENSORBOARD), help_, flag_values=flag_values)


def define_precision_flag(flag_values: flags.FlagValues) -> None:
  """Defines the flag of the type that exports store weights in."""
  help_ = (
    "storage type of the weights in the SavedModel; half precision halves its size, inputs and outputs stay float32"
  )
  flags.DEFINE_enum("export_precision", FLOAT32, list(PRECISIONS), help_, flag_values=flag_values)


def check_export_precision(task: Task, precision: str) -> None:
  """Checks that networks of a task can be exported with weights of a type.

  Raises:
    ValueError: if they cannot.
  """
  if has_exporter(task):
    check_precision(precision, task)
  elif precision != FLOAT32:
    raise ValueError(f"--export_precision={precision}: there is no exporter for the task {task.name}")


def wants_tensorboard(flag_values: flags.FlagValues) -> bool:
  """Returns whether to log for TensorBoard."""
  return bool(flag_values.tensorboard != "none")


def define_task_flags(flag_values: flags.FlagValues) -> None:
  """Defines the flags of the task and its data."""
  help_ = f"{', '.join(TASKS)}; an image data set of TensorFlow Datasets; or your own task, package.module:Name"
  flags.DEFINE_string("task", "digits", help_, flag_values=flag_values)
  define_data_flags(flag_values)
  flags.DEFINE_boolean("download", False, "whether to download and prepare missing data", flag_values=flag_values)
  help_ = "number of examples to train on (images, or tokens of a text); default: all"
  flags.DEFINE_integer("train_examples", None, help_, 1, flag_values=flag_values)
  help_ = "fraction of the training data to hold out for validation; default: that of the task"
  flag_types.define_fraction("validation_fraction", help_, flag_values=flag_values)
  help_ = (
    "which training images to hold out: the same fraction of each class (stratified), random ones, or the last ones"
  )
  help_ += "; stratified also applies to --train_examples; default: that of the task"
  flags.DEFINE_enum(_HOLD_OUT, None, HOLD_OUTS, help_, flag_values=flag_values)
  flags.DEFINE_integer("image_size", None, "height and width in pixels to resize images to", 1, flag_values=flag_values)
  help_ = (
    "decode images on the fly, with random crops in training and center crops in evaluation; images may exceed the"
  )
  help_ += " memory and differ in size; default: only for imagenet2012"
  flags.DEFINE_boolean("photographs", None, help_, flag_values=flag_values)
  help_ = "directory to keep the pixels of training photographs in, so that they are decoded once; default: decode them"
  help_ += " in each epoch"
  flags.DEFINE_string("decoded_dir", None, help_, flag_values=flag_values)
  help_ = "whether to skip files of --image_dir that are not valid images, with a warning"
  flags.DEFINE_boolean("skip_corrupt", None, help_, flag_values=flag_values)
  help_ = "weights of images in the loss; balanced: every class has the same total weight; default: all images equally"
  flags.DEFINE_enum("class_weight", None, [BALANCED], help_, flag_values=flag_values)
  help_ = "maximum size of the vocabulary of a text; default: that of the task"
  flags.DEFINE_integer("max_vocabulary", None, help_, 3, flag_values=flag_values)


def define_data_flags(flag_values: flags.FlagValues) -> None:
  """Defines the flags that say where data is."""
  help_ = "directory of prepared data sets; default: that of TensorFlow Datasets"
  flags.DEFINE_string("data_dir", None, help_, flag_values=flag_values)
  help_ = "directory of a text, with the files train, valid and test, each a .txt or .txt.gz in UTF-8"
  flags.DEFINE_string("text_dir", None, help_, flag_values=flag_values)
  help_ = (
    "images of --task=folder: a directory with one subdirectory per class, or a .csv file of image paths and labels"
  )
  flags.DEFINE_string("image_dir", None, help_, flag_values=flag_values)


def define_config_flags(flag_values: flags.FlagValues, stage: str, *, prefix: str = "", unset: str = "") -> None:
  """Defines a flag for each field of the network and training configurations of all kinds of tasks.

  Args:
    flag_values: where to define the flags.
    stage: "child" or "final": the configurations whose values the help gives as defaults.
    prefix: put before the name of each field.
    unset: if given, the help says with these words where a value comes from that is not given.
  """
  configs = {traits.kind: _parts(getattr(traits, stage)) for traits in TRAITS.values()}
  flagging.define_union(configs, flag_values, prefix=prefix, skip=_COMPUTED, unset=unset)


def configs_of(flag_values: flags.FlagValues, defaults: Configs, *, prefix: str = "") -> Configs:
  """Returns how networks are built and trained: the defaults, changed by the flags with a prefix.

  Raises:
    ValueError: if a flag is given that the networks of the task do not have.
  """
  everything = {f.name for traits in TRAITS.values() for part in _parts(traits.child) for f in dataclasses.fields(part)}
  known = {field.name for part in _parts(defaults) for field in dataclasses.fields(part)}
  foreign = [prefix + name for name in sorted(everything - known) if prefix + name in flag_values]
  wrong = [name for name in foreign if flag_values[name].value is not None]
  if wrong:
    raise ValueError(f"--task={flag_values.task}: its networks and trainings have no {', '.join(wrong)}")
  return Configs(
    flagging.build(defaults.network_config, flag_values, prefix=prefix),
    flagging.build(defaults.training_config, flag_values, prefix=prefix),
  )


def check_optimizer(configs: Configs, *, prefix: str = "") -> None:
  """Checks that the optimizer of a training exists, and that it can follow the learning rate.

  Args:
    configs: how networks are built and trained.
    prefix: prefix of the flags that say so.

  Raises:
    ValueError: as `nao_tf.training.optimizers.check_optimizer`; the message names the flag.
  """
  quiet.load_tensorflow()
  from nao_tf.training import optimizers

  try:
    optimizers.check_optimizer(configs.training_config)
  except ValueError as error:
    raise ValueError(f"--{prefix}optimizer: {error}") from error


def warn_of_unused(genotype: Genotype, configs: Configs, defaults: Configs, *, prefix: str = "") -> None:
  """Warns of flags that have no effect on the network of a genotype.

  Args:
    genotype: genotype of the network, or of one like it.
    configs: how the network is built and trained, by the flags.
    defaults: the same without flags.
    prefix: prefix of the flags.
  """
  if not isinstance(genotype, PLAIN_GENOTYPES):
    return
  ours, theirs = (dataclasses.asdict(both.network_config) for both in (configs, defaults))
  names = [name for name in unused_fields(ours) if ours[name] != theirs[name]]
  if names:
    given = ", ".join(f"--{prefix}{name}" for name in names)
    logging.warning("the network has no cells, so these flags have no effect: %s", given)


def traits_of(flag_values: flags.FlagValues) -> TaskTraits:
  """Returns the traits of the task given by the flags, without reading its data."""
  return task_traits(flag_values.task)


def task_options(flag_values: flags.FlagValues) -> dict[str, Any]:
  """Returns the task options given by the flags; None for those that are not given."""
  names = ("data_dir", "download", "text_dir", "image_dir", "skip_corrupt", "decoded_dir", _HOLD_OUT, *_TASK_OPTIONS)
  return {name: flag_values[name].value for name in names}


def task_of(flag_values: flags.FlagValues, **overrides: Any) -> Task:
  """Returns the task given by the flags."""
  task = make_task(flag_values.task, **{**task_options(flag_values), **overrides})
  if _has_earlier_split(recorded_settings(flag_values)):
    task.use_earlier_split()
  return task


def task_settings(flag_values: flags.FlagValues) -> dict[str, Any]:
  """Returns the flags of the task that determine results, and the fingerprint of a local text or of local images.

  Where the data is does not determine results. A task that chooses its validation set has a setting that says how. It is
  left out for a run that a version without it began, so that the run can go on.
  """
  local = {} if flag_values.text_dir is None else {"text": _fingerprint(flag_values.text_dir)}
  if flag_values.image_dir is not None:
    local["images"] = _images_fingerprint(flag_values.image_dir, flag_values.photographs)
  settings = {**{name: flag_values[name].value for name in ("task", *_TASK_OPTIONS)}, **local}
  traits, hold_out = traits_of(flag_values), flag_values[_HOLD_OUT].value
  if _has_earlier_split(recorded_settings(flag_values)) and hold_out in (None, traits.earlier_hold_out):
    return settings
  return {**settings, _HOLD_OUT: hold_out or traits.hold_out} if traits.hold_out else settings


def training_settings(flag_values: flags.FlagValues, genotype: Genotype, configs: Configs) -> dict[str, Any]:
  """Returns the settings that determine the training of a network. Imports TensorFlow."""
  from nao_tf.searches import final_training

  return {**task_settings(flag_values), **final_training.training_settings(genotype, configs, flag_values.seed)}


def recorded_settings(flag_values: flags.FlagValues) -> dict[str, Any]:
  """Returns the settings that are recorded in the work directory; none for a new run."""
  workdir = flag_values["workdir"].value if "workdir" in flag_values else None
  return read_settings(workdir) if workdir and os.path.exists(os.path.join(workdir, CONFIG_FILE)) else {}


def recorded_task(settings: Mapping[str, Any], flag_values: flags.FlagValues) -> Task:
  """Returns the task that the settings of a run record, with its data where the flags say.

  Raises:
    RunDirectoryError: if the text is not that of the run.
  """
  check_text(settings, flag_values)
  image_dir, photographs = flag_values.image_dir, settings.get("photographs")
  if image_dir is not None and settings.get("images") not in (None, _images_fingerprint(image_dir, photographs)):
    raise RunDirectoryError(f"{image_dir}: these are not the images of the run, or they were changed since")
  options: dict[str, Any] = {name: settings.get(name) for name in _TASK_OPTIONS}
  if settings.get(_HOLD_OUT) != task_traits(settings["task"]).hold_out:
    options[_HOLD_OUT] = settings.get(_HOLD_OUT)
  directories = {"text_dir": flag_values.text_dir, "image_dir": image_dir}
  task = make_task(settings["task"], data_dir=flag_values.data_dir, **directories, **options)
  if _has_earlier_split(settings):
    task.use_earlier_split()
  return task


def check_text(settings: Mapping[str, Any], flag_values: flags.FlagValues) -> None:
  """Checks that the text that the flags name, if they name one, is that of a run.

  Raises:
    RunDirectoryError: if it is not.
  """
  text_dir, recorded = flag_values.text_dir, settings.get("text")
  if text_dir is not None and recorded not in (None, _fingerprint(text_dir)):
    raise RunDirectoryError(f"{text_dir}: is not the text of the run, or was changed since")


def check_files(flag_values: flags.FlagValues) -> None:
  """Checks that the files that flags name are there, and those of a text.

  Raises:
    FileNotFoundError: if one is not; the message names the flag.
  """
  for name in ("text_dir", "image_dir", "table"):
    path = flag_values[name].value if name in flag_values else None
    if path is not None and not os.path.exists(path):
      raise FileNotFoundError(f"--{name}={path}: there is no such file or directory")
    if path is not None and name == "text_dir":
      _check_text_files(path)


def prepare_process(flag_values: flags.FlagValues) -> "tf.distribute.Strategy":
  """Seeds TensorFlow and returns the distribution of the process. Several processes wait here for each other."""
  quiet.load_tensorflow()
  import tensorflow as tf

  from nao_tf.training.determinism import make_deterministic
  from nao_tf.training.distribution import make_distribution

  kind = flag_values["distribution"].value if "distribution" in flag_values else None
  if kind == "multi_worker" and cluster_of().size > 1:
    print(f"waiting for all {cluster_of().size} processes of the cluster", flush=True)
  distribution = make_distribution(flag_values.num_replicas, kind=kind, joining=stopping.ended_at_once)
  tf.keras.utils.set_random_seed(flag_values.seed)
  if flag_values.deterministic:
    make_deterministic()
  return distribution


def _has_earlier_split(settings: Mapping[str, Any]) -> bool:
  """Returns whether the settings of a run are of a version that did not record which examples are held out."""
  return bool(settings) and _HOLD_OUT not in settings


def _parts(configs: Configs) -> tuple[Any, Any]:
  return configs.network_config, configs.training_config


def _images_fingerprint(image_dir: str, photographs: bool | None) -> str:
  from nao_tf.tasks.own_files import files_fingerprint
  from nao_tf.tasks.photograph_folders import photographs_fingerprint

  return photographs_fingerprint(image_dir) if photographs else files_fingerprint(image_dir)


def _check_text_files(text_dir: str) -> None:
  """Raises FileNotFoundError if a part of a text is missing."""
  try:
    TextFiles(text_dir)
  except FileNotFoundError as error:
    raise FileNotFoundError(f"--text_dir={text_dir}: {error}") from error


def _fingerprint(text_dir: str) -> str:
  return TextFiles(text_dir).fingerprint
