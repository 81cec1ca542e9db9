"""The report of a search as a value: a path for programs, and the page itself in notebooks."""

import dataclasses
import html

_FRAME = '<iframe srcdoc="{page}" style="width: 100%; height: 640px; border: 0"></iframe>'


@dataclasses.dataclass(frozen=True)
class ReportPage:
  """The HTML report of a search. It can be used like a path, and notebooks display the page.

  Attributes:
    path: path of the file.
  """

  path: str

  def __fspath__(self) -> str:
    return self.path

  def __str__(self) -> str:
    return self.path

  def _repr_html_(self) -> str:
    """Returns the page in a frame, for notebooks."""
    with open(self.path, encoding="utf-8") as file:
      return _FRAME.format(page=html.escape(file.read()))
