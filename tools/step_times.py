"""Measures the time of training steps on this machine: of controllers, networks and supernets, at sizes suited to a CPU.

The data is random noise with the shape of the real data. Nothing is downloaded.

Example:
  nao-step-times --kinds=image,shared_image
"""

import resource
from typing import Any

from absl import flags

from nao_tf import registries
from nao_tf.tools import quiet, running
from nao_tf.training.config import MIXED_PRECISIONS

KINDS = {
  "controller": "nao_tf.benchmarks.step_times:controller_step",
  "image": "nao_tf.benchmarks.step_times:image_step",
  "shared_image": "nao_tf.benchmarks.step_times:image_step",
  "darts_cells": "nao_tf.benchmarks.step_times:relaxed_image_step",
  "relaxed_first": "nao_tf.benchmarks.step_times:relaxed_image_step",
  "relaxed_second": "nao_tf.benchmarks.step_times:relaxed_image_step",
  "language": "nao_tf.benchmarks.step_times:language_step",
  "shared_language": "nao_tf.benchmarks.step_times:language_step",
}
"""Import paths of functions that time steps; those of "shared_" kinds are called with `shared=True`."""
_ORDERS = {"darts_cells": 0, "relaxed_first": 1, "relaxed_second": 2}
"""Orders of the gradient-based searches; 0 is one architecture of their space."""
_IMAGES = ("image", "shared_image")
_SIZES = ("num_cells", "filters", "batch_size")
_STEPS = ("accumulate_steps", "mixed_precision")
_QUICK = [kind for kind in KINDS if kind not in _ORDERS]


def define_flags(flag_values: flags.FlagValues) -> None:
  """Defines the flags of this command."""
  flags.DEFINE_list("kinds", _QUICK, f"what to time, separated by commas: {', '.join(KINDS)}", flag_values=flag_values)
  flags.DEFINE_integer("num_steps", 20, "number of steps to time; the median is printed", 1, flag_values=flag_values)
  flags.DEFINE_integer(
    "num_cells", 1, "N, number of normal cells per stage of image networks", 1, flag_values=flag_values
  )
  flags.DEFINE_integer(
    "filters", 16, "F, number of channels in the first stage of image networks", 1, flag_values=flag_values
  )
  flags.DEFINE_integer("batch_size", 64, "number of images per step", 1, flag_values=flag_values)
  help_ = "number of parts that each batch is split into for gradient accumulation"
  flags.DEFINE_integer("accumulate_steps", 1, help_, 1, flag_values=flag_values)
  help_ = "compute type of image networks"
  flags.DEFINE_enum("mixed_precision", "none", list(MIXED_PRECISIONS), help_, flag_values=flag_values)


def main(flag_values: flags.FlagValues) -> None:
  """Times what the flags name."""
  unknown = sorted(set(flag_values.kinds) - set(KINDS))
  if unknown:
    raise ValueError(f"unknown kind {', '.join(unknown)}; expected some of {', '.join(KINDS)}")
  quiet.load_tensorflow()
  for kind in flag_values.kinds:
    options: dict[str, Any] = {"shared": True} if kind.startswith("shared_") else {}
    if kind in _IMAGES:
      options |= {name: flag_values[name].value for name in (*_SIZES, *_STEPS)}
    if kind in _ORDERS:
      options |= {"order": _ORDERS[kind], **{name: flag_values[name].value for name in _SIZES}}
    result = registries.load_place(KINDS[kind], "kind")(num_steps=flag_values.num_steps, **options)
    print(
      f"{kind:16} {result.parameters:>12,} parameters  {result.milliseconds:8.1f} ms per step, "
      f"first step done after {result.first_seconds:5.1f} s,"
      f" peak memory so far {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB",
      flush=True,
    )


def cli() -> None:
  """Runs the command."""
  running.run(define_flags, main)


if __name__ == "__main__":
  cli()
