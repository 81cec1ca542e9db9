"""Writes the report of a search again: the curve of the rewards, drawings of the best cells, a table.

Example:
  nao-report --workdir=runs/digits

The search may be running; the report then shows the trials so far. Nothing else is changed. TensorFlow is not imported.
"""

from absl import flags

from nao_tf.runs.report import write_report
from nao_tf.runs.settings import RunDirectoryError
from nao_tf.searches.reading import load
from nao_tf.spaces import make_space
from nao_tf.tools import running


def define_flags(flag_values: flags.FlagValues) -> None:
  """Defines the flags of this binary."""
  flags.DEFINE_string("workdir", None, "directory of a search", flag_values=flag_values)
  flags.mark_flag_as_required("workdir", flag_values)


def main(flag_values: flags.FlagValues) -> int:
  """Writes the report and prints its path; returns the exit code."""
  record = load(flag_values.workdir)
  if not isinstance(record.settings.get("space"), str):
    raise RunDirectoryError(f"{flag_values.workdir}: its settings do not name a space; expected those of a search")
  space = make_space(record.settings["space"])
  print(f"report: {write_report(flag_values.workdir, record.trials, space, record.reranked)}")
  return 0


def cli() -> None:
  """Runs the binary."""
  running.run(define_flags, main)


if __name__ == "__main__":
  cli()
