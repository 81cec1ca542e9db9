"""Parses and runs the binaries as the command line does."""

import inspect

from absl import flags

from nao_tf.tools import parsing


def parse(tool, *argv):
  """Returns the flags of a binary, defined and parsed."""
  values = flags.FlagValues()
  takes_argv = "argv" in inspect.signature(tool.define_flags).parameters

  def define(expanded):
    tool.define_flags(values, expanded) if takes_argv else tool.define_flags(values)

  parsing.parse(values, ["program", *argv], define)
  return values


def run(tool, *argv):
  """Runs a binary in this process."""
  return tool.main(parse(tool, *argv))
