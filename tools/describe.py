"""Computes the parameters, multiply-adds and memory of a network, in total and per part, without building it.

Example:
  nao-describe --architecture=NAONet-B --num_cells=5 --filters=36
  nao-describe --architecture=NAONet-V2 --num_cells=4 --filters=52 --stem=imagenet --image_size=224 --num_classes=1000
  nao-describe --architecture=NAO-RNN --units=700 --vocabulary_size=33278

TensorFlow is not imported. See `nao_tf.networks.descriptions.Description` for what is counted.
"""

from absl import flags

from nao_tf.networks.conventions import CONVENTIONS
from nao_tf.networks.descriptions import Description, describe
from nao_tf.networks.image_network_config import AUXILIARY_STRIDES
from nao_tf.networks.named_genotypes import NAMED, read_genotype
from nao_tf.spaces import SPACES
from nao_tf.tools import flag_types, running

_SIZES = ("num_cells", "filters", "convention", "stem", "auxiliary", "units")
_ARGUMENTS = ("num_classes", "vocabulary_size")


def define_flags(flag_values: flags.FlagValues) -> None:
  """Defines the flags of a description. Those that are not given are as in `nao_tf.describe`."""
  help_ = f"architecture: {', '.join(NAMED)}; an architecture string of --space; or the path of a JSON file"
  flags.DEFINE_string("architecture", None, help_, flag_values=flag_values)
  flags.mark_flag_as_required("architecture", flag_values)
  help_ = "search space of an architecture string; default: whichever of nasnet5, nasnet11 and rnn12 it belongs to"
  flag_types.define_name("space", None, SPACES, "space", help_, flag_values=flag_values)
  _define_image_flags(flag_values)
  flags.DEFINE_integer(
    "units", None, "language models: number of units of the cell; default: 850", 1, flag_values=flag_values
  )
  help_ = "language models: size of the vocabulary; default: 10000"
  flags.DEFINE_integer("vocabulary_size", None, help_, 1, flag_values=flag_values)
  flags.DEFINE_boolean("json", False, "print JSON instead of a table", flag_values=flag_values)


def _define_image_flags(flag_values: flags.FlagValues) -> None:
  help_ = "images: number of normal cells in each of the three stages; default: 6"
  flags.DEFINE_integer("num_cells", None, help_, 1, flag_values=flag_values)
  flags.DEFINE_integer(
    "filters", None, "images: number of channels in the first stage; default: 36", 1, flag_values=flag_values
  )
  help_ = "images: layer convention; default: as published, or nao"
  flags.DEFINE_enum("convention", None, list(CONVENTIONS), help_, flag_values=flag_values)
  help_ = "images: stem; cifar keeps the resolution, imagenet divides it by eight; default: cifar"
  flags.DEFINE_enum("stem", None, list(AUXILIARY_STRIDES), help_, flag_values=flag_values)
  help_ = "images: whether there is an auxiliary head in training; default: true"
  flags.DEFINE_boolean("auxiliary", None, help_, flag_values=flag_values)
  flags.DEFINE_integer(
    "image_size", None, "images: height and width in pixels; default: 32", 1, flag_values=flag_values
  )
  flags.DEFINE_integer("image_channels", None, "images: number of channels; default: 3", 1, flag_values=flag_values)
  flags.DEFINE_integer("num_classes", None, "images: number of classes; default: 10", 1, flag_values=flag_values)


def main(flag_values: flags.FlagValues) -> int:
  """Prints the description; returns the exit code."""
  description = description_of(flag_values)
  print(description.to_json() if flag_values.json else description)
  return 0


def description_of(flag_values: flags.FlagValues) -> Description:
  """Returns the description that the flags ask for.

  Raises:
    ValueError: if a flag is given that the network does not have, or the architecture is none.
    OSError: if a file cannot be read.
  """
  read_genotype(flag_values.architecture, flag_values.space, place="--architecture")
  given = {name: flag_values[name].value for name in (*_SIZES, *_ARGUMENTS) if flag_values[name].value is not None}
  size, channels = flag_values.image_size, flag_values.image_channels
  shape = None if size is None and channels is None else (size or 32, size or 32, channels or 3)
  return describe(flag_values.architecture, space=flag_values.space, input_shape=shape, **given)


def cli() -> None:
  """Runs the command."""
  running.run(define_flags, main)


if __name__ == "__main__":
  cli()
