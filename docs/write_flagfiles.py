"""Writes docs/results/flagfiles.md: what each flagfile of a published system trains or searches.

What is published is read from the headers of the flagfiles, what a network has is computed from their flags.

    python docs/write_flagfiles.py
"""

import pathlib
import re
from types import ModuleType
from typing import Any

from absl import flags

from nao_tf.networks.descriptions import Description, describe
from nao_tf.tools import flag_groups, one_shot_flags, search, shared_flags, train

ROOT = pathlib.Path(__file__).parent.parent
FLAGS = ROOT / "flags"
PAGE = ROOT / "docs" / "results" / "flagfiles.md"
SIZES: dict[str, dict[str, Any]] = {
  "cifar10": {"num_classes": 10},
  "cifar100": {"num_classes": 100},
  "imagenet2012": {"num_classes": 1_000, "input_shape": (224, 224, 3)},
  "ptb": {"vocabulary_size": 10_000},
  "wikitext2": {"vocabulary_size": 33_278},
}
"""What of a data set decides the size of a network."""

REASONS = {
  "paper/cifar10_naonet_": "no one network has all the sizes of the paper; ours is the released one",
  "paper/cifar100_naonet_": "no one network has all the sizes of the paper; ours is the released one",
  "systems/darts_v2_36": "the figure is that of the first version's cell",
  "systems/enas_36": "open: the published cell does not give it, with or without the auxiliary head",
  "systems/enas_128": "open: neither without nor with the auxiliary head; how many cells it has is not among the sources",
  "systems/pnasnet_5_128": "open: how many cells it has is not among the sources",
  "systems/nasnet_a_32_cutout_cifar100": "the figure is that of ten classes",
  "systems/nasnet_a_32_cifar100": "the figure is that of ten classes",
  "systems/nasnet_a_128_cifar100": "open: neither without nor with the auxiliary head",
  "systems/ptb_enas": "the figure is that of the first language model, which its authors call wrong",
}
"""Why a published number of parameters is not ours, by how the name of a flagfile begins."""

HEAD = """# Flagfiles

**Claim.** The networks that the flagfiles train have the published numbers of parameters, or it is said why not.

    python docs/write_flagfiles.py

writes this page. What is published is what the header of the flagfile quotes; `-` if it quotes nothing. Our numbers are
computed from the flags: trainable parameters without and with the auxiliary head, and multiply-adds at inference, of an
image or of a word; [costs](../guides/costs.md) says what counts. `tests/docs/test_flagfiles_page.py` holds the page against
them. With `-m slow`, `tests/tools/test_flagfiles.py` trains each network for one epoch of tiny data, with one cell a stage
and eight filters, or with four units.
"""
TRAININGS_HEAD = """
## Trainings

NAO's table for CIFAR-100 quotes a PNAS of 53.0M parameters and an ENAS of 52.7M. How many cells (N) and filters (F) they
have is not known to us. `systems/pnasnet_5_128_cifar100` and `systems/enas_128_cifar100` have the N of CIFAR-10 and
F=128, a choice of ours. With F=128, our PNASNet-5 has 45.0M for N=6 and 52.9M for N=7, our ENAS 45.9M for N=5 and 54.0M for
N=6.

| flagfile | task | parameters | with auxiliary head | published | difference | multiply-adds | published |
| --- | --- | --- | --- | --- | --- | --- | --- |
"""
SEARCHES_HEAD = """
## Searches

Flagfiles whose names end with `_small` are made for two cores; the page that their row names has what they reached.

| flagfile | task | space | strategy | length | to expect |
| --- | --- | --- | --- | --- | --- |
"""
_PARAMETERS = re.compile(r"([\d.]+)M parameters")
_MULTIPLY_ADDS = re.compile(r"([\d.]+)M multiply-adds; the network has")
_OTHER_NETWORK = "is published for this network"
_MEASURED = re.compile(r"see docs/results/(\w+)\.md")
_EXPECT = re.compile(r"Expect: (.*?)(?= Departures:| Hardware| Add --|$)")


def files(flag: str) -> list[pathlib.Path]:
  """Returns the flagfiles that have a flag, those of the two folders of published systems."""
  paths = sorted([*(FLAGS / "paper").glob("*.flags"), *(FLAGS / "systems").glob("*.flags")])
  return [path for path in paths if f"--{flag}=" in path.read_text(encoding="utf-8")]


def header(path: pathlib.Path) -> str:
  """Returns the comments of a flagfile in one line."""
  lines = path.read_text(encoding="utf-8").splitlines()
  return " ".join(line[1:].strip() for line in lines if line.startswith("#"))


def parsed(tool: ModuleType, path: pathlib.Path) -> flags.FlagValues:
  """Returns the flags of a binary that is given a flagfile."""
  values = flags.FlagValues()
  tool.define_flags(values)
  argv = ["program", f"--flagfile={path}", "--workdir=somewhere"]
  values(argv)
  flag_groups.check(values, argv)
  return values


def description_of(values: flags.FlagValues) -> Description:
  """Returns what the network of a training costs."""
  config: Any = train.final_configs(values).network_config
  return describe(train.genotype_of(values), config, **SIZES[values.task])


def published_parameters(text: str) -> str | None:
  """Returns the millions of parameters that a header quotes for its network, as they are printed; None if none."""
  found = _PARAMETERS.search(text)
  return None if found is None or _OTHER_NETWORK in text else found[1]


def difference(name: str, published: str | None, description: Description) -> str:
  """Returns how a network differs in size from what is published, and why.

  Raises:
    ValueError: if it differs and no reason is given.
  """
  if published is None:
    return "-"
  if _rounded(description.parameters, published) == published:
    return "none"
  reasons = [reason for start, reason in REASONS.items() if name.startswith(start)]
  if not reasons:
    raise ValueError(f"{name}: {description.parameters:,} parameters, but {published}M published; REASONS has none")
  return f"{description.parameters / 1e6 - float(published):+.1f}M: {reasons[0]}"


def training_row(path: pathlib.Path) -> str:
  """Returns the row of a training."""
  values, name, text = parsed(train, path), _name(path), header(path)
  description, published = description_of(values), published_parameters(text)
  multiply_adds = _MULTIPLY_ADDS.search(text)
  whole = description.parameters_with_auxiliary
  return _row(
    f"`{name}`",
    values.task,
    f"{description.parameters:,}",
    f"{whole:,}" if whole != description.parameters else "-",
    f"{published}M" if published else "-",
    difference(name, published, description),
    f"{description.multiply_adds / 1e6:,.1f}M",
    f"{multiply_adds[1]}M" if multiply_adds else "-",
  )


def search_row(path: pathlib.Path) -> str:
  """Returns the row of a search."""
  values = parsed(search, path)
  space = values.space if values["space"].present else "-"
  return _row(f"`{_name(path)}`", values.task, space, values.strategy, length(values), expected(header(path)))


def expected(text: str) -> str:
  """Returns what a header says to expect, with a link to the page that it names.

  Raises:
    ValueError: if it does not say it.
  """
  found, measured = _EXPECT.search(text), _MEASURED.search(text)
  if found is None:
    raise ValueError(f"expected a header that says what to expect, got {text!r}")
  page = f"in [{measured[1]}]({measured[1]}.md)" if measured else "there"
  return re.sub(r"\bthere\b", page, found[1].strip())


def length(values: flags.FlagValues) -> str:
  """Returns how long a search is, in words."""
  if one_shot_flags.chosen(values) is None:
    return f"{values.num_trials:,} trials"
  return f"{shared_flags.configs(values).training_config.epochs:,} epochs"


def page() -> str:
  """Returns the text of the page."""
  trainings, searches = map(training_row, files("architecture")), map(search_row, files("strategy"))
  return "".join([HEAD, TRAININGS_HEAD, *trainings, SEARCHES_HEAD, *searches])


def main() -> None:
  """Writes the page."""
  PAGE.write_text(page(), encoding="utf-8")


def _name(path: pathlib.Path) -> str:
  return path.relative_to(FLAGS).with_suffix("").as_posix()


def _row(*cells: str) -> str:
  return f"| {' | '.join(cells)} |\n"


def _rounded(parameters: int, published: str) -> str:
  """Returns millions of parameters with as many digits as the published ones."""
  return f"{parameters / 1e6:.{len(published.partition('.')[2])}f}"


if __name__ == "__main__":
  main()
