"""Prints how long training steps take on this machine: of controllers, networks and supernets, at the sizes of a CPU.

Data are noise of the size of the real ones; nothing is downloaded.

Example:
  python tools/step_times.py --kinds=image,shared_image
"""

import functools

from absl import flags

from nao_tf.benchmarks import step_times
from nao_tf.tools import flagging

KINDS = {
  "controller": step_times.controller_step,
  "image": step_times.image_step,
  "shared_image": functools.partial(step_times.image_step, shared=True),
  "language": step_times.language_step,
  "shared_language": functools.partial(step_times.language_step, shared=True),
}
_IMAGES = ("image", "shared_image")


def define_flags(flag_values: flags.FlagValues) -> None:
  """Defines the flags of this binary."""
  define = {"flag_values": flag_values}
  flags.DEFINE_list("kinds", list(KINDS), f"some of {', '.join(KINDS)}", **define)
  flags.DEFINE_integer("num_steps", 20, "steps to time; their median is printed", lower_bound=1, **define)
  flags.DEFINE_integer("num_cells", 1, "N of image networks", lower_bound=1, **define)
  flags.DEFINE_integer("filters", 16, "F of image networks", lower_bound=1, **define)


def main(flag_values: flags.FlagValues) -> None:
  """Times what the flags name."""
  unknown = sorted(set(flag_values.kinds) - set(KINDS))
  if unknown:
    raise ValueError(f"unknown kind {', '.join(unknown)}; expected some of {', '.join(KINDS)}")
  for kind in flag_values.kinds:
    sizes = {"num_cells": flag_values.num_cells, "filters": flag_values.filters} if kind in _IMAGES else {}
    result = KINDS[kind](num_steps=flag_values.num_steps, **sizes)
    print(
      f"{kind:16} {result.parameters:>12,} parameters  {result.milliseconds:8.1f} ms a step, "
      f"{result.first_seconds:5.1f} s to the end of the first",
      flush=True,
    )


def cli() -> None:
  """Runs the binary."""
  flagging.run(define_flags, main)


if __name__ == "__main__":
  cli()
