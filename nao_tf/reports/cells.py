"""The best architectures as pictures."""

from nao_tf.drawing import draw_genotype, is_drawable
from nao_tf.reports.markup import details, escaped, figure
from nao_tf.reports.record import Record
from nao_tf.reports.trainings import file_links
from nao_tf.spaces.base import SearchSpace
from nao_tf.trial import Architecture, Trial, top_trials

_COUNT = 3


class Drawings:
  """Draws architectures of a space, each once."""

  def __init__(self) -> None:
    self._drawn: dict[Architecture, str] = {}

  def of(self, space: SearchSpace, architecture: Architecture) -> str:
    """Returns a picture for the page, or why there is none; nothing for a genotype that is no cell."""
    if architecture not in self._drawn:
      self._drawn[architecture] = _draw(space.decode(architecture))
    return self._drawn[architecture]


def best_cells(record: Record, drawings: Drawings) -> str:
  """Returns the best architectures, the first one unfolded; finalists if there are some with a reward."""
  best = top_trials(record.finalists, _COUNT) or top_trials(record.trials, _COUNT)
  links = file_links(record.directory, ("best.json",))
  described = f"<p>Best architecture as JSON: {links}</p>" if links else ""
  return "".join(cell(record, trial, drawings, is_open=not place) for place, trial in enumerate(best)) + described


def cell(record: Record, trial: Trial, drawings: Drawings, *, is_open: bool) -> str:
  """Returns the picture and the text of a trial, which fold away."""
  picture = drawings.of(record.space, trial.architecture) if record.space else ""
  summary = f"Trial #{trial.id}, reward {figure(trial.reward)}"
  text = f"<p><code>{escaped(record.text_of(trial))}</code></p>"
  return details(
    summary, f'<div class="scroll" tabindex="0">{picture}</div>{text}' if picture else text, is_open=is_open
  )


def _draw(genotype: object) -> str:
  if not is_drawable(genotype):
    return ""
  try:
    return draw_genotype(genotype).svg
  except ValueError as error:
    return f"<p>The cell is not drawn: {escaped(error)}</p>"
