"""Flags that were renamed since an earlier version. They are refused with their new name."""

from collections.abc import Sequence

from absl import flags

RENAMED = {
  "controller_alike": "controller_isomorphic",
  "controller_num_spellings": "controller_num_encodings",
  "controller_unlabelled_batch_size": "controller_unlabeled_batch_size",
  "nao_num_members": "nao_ensemble_size",
  "nao_num_neighbours": "nao_num_neighbors",
  "nao_num_unlabelled": "nao_num_unlabeled",
  "num_members": "ensemble_size",
  "num_unlabelled": "num_unlabeled",
}
"""Names in version 0.1.0, with their names now."""


def parse(flag_values: flags.FlagValues, argv: Sequence[str]) -> list[str]:
  """Parses a command line, flagfiles included.

  Args:
    flag_values: the flags.
    argv: the name of the program and its arguments.

  Returns:
    The name of the program, and arguments that are not flags.

  Raises:
    flags.Error: if a flag is unknown or has a wrong value. If it had another name once, the message says its new one.
  """
  try:
    return flag_values(argv)
  except flags.UnrecognizedFlagError as error:
    new = new_name(error.flagname, flag_values)
    if new is None:
      raise
    raise flags.Error(f"--{error.flagname} is called --{new} now") from error


def new_name(old: str, flag_values: flags.FlagValues) -> str | None:
  """Returns what an unknown flag is called now, "nonew" for "noold"; None if it never was a flag here."""
  negation = "no" if old not in RENAMED and old.startswith("no") else ""
  new = RENAMED.get(old.removeprefix(negation))
  return negation + new if new is not None and new in flag_values else None
