"""Parses and runs the binaries as the command line does."""

import inspect

from absl import flags

from nao_tf.tools import renamed_flags


def parse(tool, *argv):
  """Returns the flags of a binary, defined and parsed."""
  values, argv = flags.FlagValues(), ["program", *argv]
  takes_argv = "argv" in inspect.signature(tool.define_flags).parameters
  tool.define_flags(values, argv) if takes_argv else tool.define_flags(values)
  renamed_flags.parse(values, argv)
  return values


def run(tool, *argv):
  """Runs a binary in this process."""
  return tool.main(parse(tool, *argv))
