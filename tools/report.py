"""Rewrites the report of a search: one HTML page with its rewards, its best cells and all its trials.

Example:
  nao-report --workdir=runs/digits

The search may still be running; the report then shows the trials so far. Nothing else is changed. TensorFlow is not
imported.
"""

from absl import flags

from nao_tf.reports import rewrite_report
from nao_tf.tools import running


def define_flags(flag_values: flags.FlagValues) -> None:
  """Defines the flags of this command."""
  flags.DEFINE_string("workdir", None, "directory of a search", flag_values=flag_values)
  flags.mark_flag_as_required("workdir", flag_values)


def main(flag_values: flags.FlagValues) -> int:
  """Writes the report and prints its path; returns the exit code."""
  print(f"report: {rewrite_report(flag_values.workdir)}")
  return 0


def cli() -> None:
  """Runs the command."""
  running.run(define_flags, main)


if __name__ == "__main__":
  cli()
