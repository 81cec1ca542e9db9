"""Shows the progress of a search or a training: finished, running and failed trials, speed, and the best so far.

Example:
  nao-status --workdir=runs/digits
  nao-status --workdir=runs/digits --json

It only reads files, so the search or training may be running. TensorFlow is not imported.
"""

from absl import flags

from nao_tf.searches.status import status_of
from nao_tf.tools import recorded_flags, running


def define_flags(flag_values: flags.FlagValues) -> None:
  """Defines the flags of this command."""
  flags.DEFINE_string("workdir", None, "directory of a search or of a training", flag_values=flag_values)
  flags.DEFINE_boolean("json", False, "print one line of JSON instead of text", flag_values=flag_values)
  flags.mark_flag_as_required("workdir", flag_values)


def main(flag_values: flags.FlagValues) -> int:
  """Prints the status; returns the exit code."""
  directory = flag_values.workdir
  num_trials, num_finalists, max_epochs = (
    recorded_flags.count(directory, flag) for flag in ("num_trials", "rerank", "max_epochs")
  )
  status = status_of(directory, num_trials=num_trials, num_finalists=num_finalists, max_epochs=max_epochs)
  print(status.to_json() if flag_values.json else status)
  return 0


def cli() -> None:
  """Runs the command."""
  running.run(define_flags, main, writes=False)


if __name__ == "__main__":
  cli()
