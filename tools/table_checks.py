"""Checks of the table of a search: it is one of the space, and has what the other flags ask for.

They run before a command announces its start. An error names the flag to change.
"""

from absl import flags

from nao_tf.evaluators.tabular_evaluator import TabularEvaluator, table_of
from nao_tf.spaces.base import SearchSpace
from nao_tf.tools import prior_knowledge, rung_flags


def check(flag_values: flags.FlagValues, space: SearchSpace) -> None:
  """Checks the table of a search; nothing if it has none.

  Args:
    flag_values: flag values of the search.
    space: the search space.

  Raises:
    ValueError: if the table is one of another space, or lacks something; the message names the flag.
    OSError: if it cannot be read.
  """
  if flag_values.evaluator != "tabular":
    return
  try:
    table = table_of(flag_values.table, space)
  except ValueError as error:
    raise ValueError(f"--table={error}") from error
  rungs = rung_flags.config(flag_values)
  if rungs is not None:
    try:
      TabularEvaluator(table).check_epochs(rungs.epochs)
    except ValueError as error:
      raise ValueError(f"--rungs={','.join(map(str, rungs.epochs))}: {error}") from error
  prior_knowledge.check_table(flag_values, table)
