"""Language modeling on your own text, whose last lines are held out for evaluating networks."""

import hashlib
from collections.abc import Sequence
from typing import Any

from nao_tf.tasks.language_modeling import LanguageModeling

VALIDATION_FRACTION = 0.1


class HeldOutLines:
  """Lines of a text, of which the last are for validation. There is no test text."""

  def __init__(self, lines: Sequence[str], validation_fraction: float):
    """Divides the lines.

    Args:
      lines: lines of the text.
      validation_fraction: fraction of the lines held out, in (0, 1); at least one line is held out, and one is not.
    """
    held_out = min(max(1, round(len(lines) * validation_fraction)), len(lines) - 1)
    parts = lines[: len(lines) - held_out], lines[len(lines) - held_out :]
    self._lines = {"train": list(parts[0]), "valid": list(parts[1]), "test": []}

  def lines(self, split: str) -> list[str]:
    """Returns the lines of "train", "valid" or "test"."""
    return self._lines[split]


class OwnText(LanguageModeling):
  """Language modeling on lines of text.

  Attributes:
    fingerprint: fingerprint of the text, as JSON values by name.
  """

  def __init__(
    self,
    name: str,
    lines: Sequence[str],
    *,
    place: str = "x",
    validation_fraction: float = VALIDATION_FRACTION,
    **options: Any,
  ):
    """Initializes the task, after checking the text.

    Args:
      name: name of the task, for messages and exports.
      lines: lines of the text.
      place: description of the text, for error messages.
      validation_fraction: fraction of the lines to hold out, above 0, since the training of a language model depends on
        the validation loss.
      **options: options of `LanguageModeling`.

    Raises:
      ValueError: if there are fewer than two lines with words, or an option is out of range.
    """
    if not 0 < validation_fraction < 1:
      raise ValueError(f"validation_fraction of a text must be above 0 and below 1, got {validation_fraction}")
    written = [line for line in lines if line.strip()]
    if len(written) < 2:
      raise ValueError(f"{place}: expected at least two lines with words, so that one is held out, got {len(written)}")
    super().__init__(name, HeldOutLines(written, validation_fraction), **options)
    checksum = hashlib.sha256("\n".join(written).encode("utf-8", "surrogatepass")).hexdigest()[:32]
    self.fingerprint = {"lines": len(written), "checksum": checksum}
