"""A single entry point for all commands: `nao search --workdir=runs/first` is `nao-search --workdir=runs/first`.

Example:
  nao search --flagfile=flags/quickstart.flags --workdir=runs/quickstart
  nao status --workdir=runs/quickstart
  nao search --help
"""

import ast
import difflib
import importlib
import pathlib
import sys

COMMANDS = (
  "search",
  "train",
  "evaluate",
  "export",
  "describe",
  "draw",
  "status",
  "report",
  "tune",
  "benchmark_strategies",
  "benchmark_oracles",
  "benchmark_predictor",
  "benchmark_rungs",
  "rank_shared",
  "step_times",
)
"""The modules of the commands, those for a first search in front."""


def help_text() -> str:
  """Returns a list of the commands with a one-line description each, without importing them."""
  width = max(map(len, COMMANDS)) + 2
  lines = [f"  {command_name(module):{width}}{summary(module)}" for module in COMMANDS]
  return "\n".join([__doc__.strip(), "", "Commands:", *lines, "", "nao COMMAND --help shows the flags of a command."])


def summary(module: str) -> str:
  """Returns the first line of the docstring of a command."""
  source = pathlib.Path(__file__).with_name(f"{module}.py").read_text(encoding="utf-8")
  return (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]


def command_name(module: str) -> str:
  """Returns the name of a command on the command line."""
  return module.replace("_", "-")


def cli() -> None:
  """Runs a command, or prints what commands there are."""
  name = sys.argv[1] if len(sys.argv) > 1 else "--help"
  if name in ("--help", "-help", "-h", "help", "--helpshort", "--helpfull"):
    print(help_text())
    sys.exit(0)
  module = name.replace("-", "_")
  if module not in COMMANDS:
    known = ", ".join(map(command_name, COMMANDS))
    near = difflib.get_close_matches(name, map(command_name, COMMANDS))
    meant = f"; did you mean {' or '.join(near)}?" if near else ""
    print(f"error: unknown command {name!r}; expected one of {known}{meant}", file=sys.stderr)
    sys.exit(1)
  sys.argv[:] = [f"nao-{command_name(module)}", *sys.argv[2:]]
  importlib.import_module(f"nao_tf.tools.{module}").cli()


if __name__ == "__main__":
  cli()
