"""The best cells of a search as images in TensorBoard."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from nao_tf.drawing import draw_png, is_drawable
from nao_tf.spaces.base import SearchSpace
from nao_tf.trial import Architecture, Trial, reward_text, top_trials

_COUNT = 3
_SECONDS = 30.0
_LARGEST_SHARE = 20
"""At most one part in so many of the time of a search goes into its images."""


class BestCells:
  """Follows the best trials, and draws those that have changed since they were drawn last."""

  def __init__(self, space: SearchSpace, last_steps: Mapping[str, int], *, clock: Callable[[], float] = time.monotonic):
    """Takes what is recorded.

    Args:
      space: space of the trials.
      last_steps: the last step at which each tag is recorded.
      clock: returns seconds.
    """
    self._space, self._last_steps, self._clock = space, last_steps, clock
    self._best: list[Trial] = []
    self._shown: dict[str, Architecture] = {}
    self._drawn_at, self._cost = clock(), 0.0

  def add(self, trial: Trial, step: int) -> None:
    """Counts a trial that has closed as so many trials were closed."""
    if trial.reward is not None:
      self._best = top_trials([*self._best, trial], _COUNT)
    for tag, best in self._tagged().items():
      if self._last_steps.get(tag) == step:
        self._shown[tag] = best.architecture

  def due(self) -> list[Any]:
    """Returns the images that are new, at most every 30 seconds, and less often if drawing takes long."""
    if self._clock() - self._drawn_at < max(_SECONDS, self._cost * _LARGEST_SHARE):
      return []
    return self.changed()

  def changed(self) -> list[Any]:
    """Returns the images that are new."""
    start = self._clock()
    images = []
    for tag, trial in self._tagged().items():
      genotype = self._space.decode(trial.architecture)
      if self._shown.get(tag) != trial.architecture and is_drawable(genotype):
        images.append(_image(tag, *draw_png(genotype, title=_title(trial))))
      self._shown[tag] = trial.architecture
    if images:
      self._drawn_at = self._clock()
      self._cost = self._drawn_at - start
    return images

  def _tagged(self) -> dict[str, Trial]:
    return {f"best cells/{place}": trial for place, trial in enumerate(self._best, start=1)}


def _image(tag: str, data: bytes, width: int, height: int) -> Any:
  from tensorboard.compat.proto.summary_pb2 import Summary

  image = Summary.Image(width=width, height=height, colorspace=3, encoded_image_string=data)
  return Summary.Value(tag=tag, image=image)


def _title(trial: Trial) -> str:
  return f"trial {trial.id}" if trial.reward is None else f"trial {trial.id}, reward {reward_text(trial.reward)}"
