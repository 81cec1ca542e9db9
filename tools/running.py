"""Runs the `main` function of a command: parses its flags, prints its help, reports errors, and shuts down cleanly."""

import errno
import os
import sys
from collections.abc import Callable, Collection, Sequence

from absl import app, flags

from nao_tf.runs.places import check_writable, checked_directory
from nao_tf.tools import flag_errors, flag_groups, flagging, help_text, parsing, quiet, shell_lines, stopping

Check = Callable[[flags.FlagValues, Sequence[str]], None]

_FULL = (errno.ENOSPC, errno.EDQUOT)
_HELP = frozenset(f"{dashes}{name}" for dashes in ("-", "--") for name in ("h", "help", "helpshort", "helpfull"))


def run(
  define_flags: Callable[[flags.FlagValues], None],
  main: Callable[[flags.FlagValues], int | None],
  *,
  check: Check | None = flag_groups.check,
  taken_up: Callable[[Sequence[str]], Sequence[str]] = lambda argv: argv,
  writes: bool = True,
) -> None:
  """Defines flags, parses the command line, calls `main` and exits with its code.

  An error that a user can mend is reported in one line. The current directory is searched for modules, too, so that
  names of the form `package.module:Name` are found there.

  Args:
    define_flags: defines the flags of the command.
    main: what to do with them; returns the exit code, None for 0.
    check: called with the flags and the command line: raises `flags.Error` if they do not fit together.
    taken_up: returns a command line with the flags of the run that it takes up; see `recorded_flags`.
    writes: whether it writes into its work directory, if it has one.
  """
  doc = sys.modules[main.__module__].__doc__ or ""
  sys.modules["__main__"].__doc__ = doc  # A console command has none of its own.
  sys.path.append(os.getcwd())
  app.run(
    lambda argv: _main(argv, main, writes=writes),
    flags_parser=lambda argv: _parse(argv, define_flags, check, taken_up, doc),
  )


def _parse(
  argv: Sequence[str],
  define_flags: Callable[[flags.FlagValues], None],
  check: Check | None,
  taken_up: Callable[[Sequence[str]], Sequence[str]],
  doc: str,
) -> list[str]:
  """Defines and parses the flags; returns the arguments that are not flags."""

  def define(expanded: Sequence[str]) -> Sequence[str]:
    merged = list(expanded) if _HELP.intersection(expanded) else list(taken_up(expanded))
    sys.argv[:] = merged  # `define_flags` may look there for the names of components.
    known = set(flags.FLAGS)
    define_flags(flags.FLAGS)
    if _HELP.intersection(expanded):
      _print_help(doc, set(flags.FLAGS) - known)
    return merged

  argv = list(argv)  # The one of the process is changed below.
  try:
    rest = parsing.parse(flags.FLAGS, argv, define)
    if check is not None:
      check(flags.FLAGS, argv)
  except flags.Error as error:
    print(f"FATAL Flags parsing error: {flag_errors.message(error, argv)}", file=sys.stderr)
    print("Pass --help to see the flags.", file=sys.stderr)
  except flagging.REPORTED as error:
    print(f"error: {error}", file=sys.stderr)
  else:
    return rest
  sys.exit(1)


def _print_help(doc: str, names: Collection[str]) -> None:
  """Prints the help of a command and ends the process."""
  print(help_text.text_of(doc, flags.FLAGS, {name: flags.FLAGS[name] for name in flags.FLAGS if name in names}), end="")
  sys.exit(0)


def _main(argv: list[str], main: Callable[[flags.FlagValues], int | None], *, writes: bool) -> int | None:
  if len(argv) > 1:
    print(f"error: expected flags, got {' '.join(argv[1:])}", file=sys.stderr)
    return 1
  quiet.set_verbosity(flags.FLAGS)
  try:
    _check_workdir(writes=writes)
    with stopping.stopped_by_signals(lambda: _advice(main)):
      return main(flags.FLAGS)
  except flagging.REPORTED as error:
    print(f"error: {_described(error)}", file=sys.stderr)
    return 1


def _check_workdir(*, writes: bool) -> None:
  """Checks the work directory before anything else is done, such as importing TensorFlow.

  Raises:
    ValueError: if its name is empty.
    OSError: if it cannot be created or written.
  """
  directory = flags.FLAGS["workdir"].value if "workdir" in flags.FLAGS else None
  if directory is None:
    return
  checked_directory(directory, "--workdir")
  if writes:
    check_writable(directory)


def _described(error: Exception) -> str:
  """Returns the message of an error. That of a full disk does not say by itself where, and what to do."""
  if not isinstance(error, OSError) or error.errno not in _FULL:
    return flag_errors.in_flags(str(error), set(flags.FLAGS))
  directory = _directory()
  place = error.filename or (f"in {directory}" if directory else "here")
  return f"the disk is full ({place}); files written before are intact: free disk space and run the same command again"


def _directory() -> str | None:
  """Returns the directory that the command writes into; None if there is none."""
  directories = [flags.FLAGS[name].value for name in ("workdir", "output") if name in flags.FLAGS]
  return next((directory for directory in directories if directory), None)


def _advice(main: Callable[[flags.FlagValues], int | None]) -> str:
  """Returns how a command goes on that was stopped."""
  kept = _directory()
  if kept is None or not os.path.exists(kept):
    return "nothing was saved"
  command = getattr(sys.modules[main.__module__], "COMMAND", None)
  return f"the same command resumes from {kept}{_alone(command, kept) if command else ''}"


def _alone(command: str, directory: str) -> str:
  """Returns the short form of a command that goes on, which needs the recorded flags; nothing if there are none yet."""
  from nao_tf.tools.recorded_flags import COMMAND_FILE  # A command that records its flags has loaded it.

  is_recorded = os.path.exists(os.path.join(directory, COMMAND_FILE))
  return f": {shell_lines.shell_line(f'nao-{command}', [f'--workdir={directory}'])}" if is_recorded else ""
