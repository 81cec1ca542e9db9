r"""Draws the cells of a network as an SVG file.

Example:
  nao-draw --architecture=NAONet-A --output=naonet_a.svg
  nao-draw --architecture=runs/search/best.json --output=best.svg
  nao-draw --space=nasbench201 --output=cell.svg \
      --architecture="|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|none~1|nor_conv_1x1~2|"

TensorFlow is not imported.
"""

from absl import flags

from nao_tf.networks.named_genotypes import NAMED
from nao_tf.spaces import SPACES
from nao_tf.tools import flag_types, running


def define_flags(flag_values: flags.FlagValues) -> None:
  """Defines the flags of a drawing."""
  help_ = f"architecture: {', '.join(NAMED)}; a string of --space; or the path of a JSON file, such as a best.json"
  flags.DEFINE_string("architecture", None, help_, flag_values=flag_values)
  help_ = "search space of an architecture string; default: whichever of nasnet5, nasnet11 and rnn12 it belongs to"
  flag_types.define_name("space", None, SPACES, "space", help_, flag_values=flag_values)
  flags.DEFINE_string("output", None, "path of the .svg file to write", flag_values=flag_values)
  flags.mark_flags_as_required(["architecture", "output"], flag_values)


def main(flag_values: flags.FlagValues) -> int:
  """Draws; returns the exit code."""
  from nao_tf.networks.cell_drawings import draw

  draw(flag_values.architecture, space=flag_values.space).save(flag_values.output)
  print(f"drawn: {flag_values.output}")
  return 0


def cli() -> None:
  """Runs the command."""
  running.run(define_flags, main)


if __name__ == "__main__":
  cli()
