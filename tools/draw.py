"""Draws the cells of a network as an SVG file.

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
  help_ = f"{', '.join(NAMED)}; or a string of --space; or the path of a JSON file, such as the best.json of a search"
  flags.DEFINE_string("architecture", None, help_, flag_values=flag_values)
  help_ = "space of a string; default: nasnet5, nasnet11 or rnn12, whichever has it"
  flag_types.define_name("space", None, SPACES, "space", help_, flag_values=flag_values)
  flags.DEFINE_string("output", None, "file to write, whose name ends with .svg", flag_values=flag_values)
  flags.mark_flags_as_required(["architecture", "output"], flag_values)


def main(flag_values: flags.FlagValues) -> int:
  """Draws; returns the exit code."""
  from nao_tf.networks.cell_drawings import draw

  draw(flag_values.architecture, space=flag_values.space).save(flag_values.output)
  print(f"drawn: {flag_values.output}")
  return 0


def cli() -> None:
  """Runs the binary."""
  running.run(define_flags, main)


if __name__ == "__main__":
  cli()
