"""A TensorFlow Datasets builder for local text: prepared once, and then read as any other set.

An example is a line; examples keep the order of the text.
"""

from typing import Protocol

import tensorflow as tf
import tensorflow_datasets as tfds

_SPLIT_NAMES = {"train": "train", "valid": "validation", "test": "test"}
_READ_BATCH = 1024


class TextSource(Protocol):
  """Where text comes from.

  Attributes:
    name: an identifier.
  """

  name: str

  @property
  def fingerprint(self) -> str:
    """A digest of the whole text."""

  def lines(self, split: str) -> list[str]:
    """Returns the lines of "train", "valid" or "test"."""


class LocalText(tfds.core.GeneratorBasedBuilder):
  """Lines of text, in order, from a source on this machine.

  The prepared set lies in `<data_dir>/local_text/<name of the source>-<fingerprint>/1.0.0`, so that a text that has
  changed is another set. It can be opened with `tfds.builder_from_directory`, too.
  """

  VERSION = tfds.core.Version("1.0.0")

  def __init__(self, *, source: TextSource, data_dir: str | None = None, **kwargs):
    """Args:
    source: of the text; read only if the set has not been prepared.
    data_dir: where prepared sets are; None: TensorFlow Datasets' own place.
    **kwargs: of `tfds.core.GeneratorBasedBuilder`.
    """
    self._source = source
    config = tfds.core.BuilderConfig(name=f"{source.name}-{source.fingerprint[:12]}", description="Lines of text.")
    super().__init__(config=config, data_dir=data_dir, **kwargs)

  def lines(self, split: str) -> list[str]:
    """Returns the lines of "train", "valid" or "test", preparing the set if need be.

    Raises:
      ValueError: if the text cannot be prepared.
    """
    if not self.info.splits:
      self._prepare()
    read_config = tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False)
    dataset = self.as_dataset(split=_SPLIT_NAMES[split], shuffle_files=False, read_config=read_config)
    batches = dataset.batch(_READ_BATCH).prefetch(1).as_numpy_iterator()
    return [line.decode("utf-8") for batch in batches for line in batch["text"]]

  def _prepare(self) -> None:
    """Prepares the set, unless another process does so first."""
    for part in _SPLIT_NAMES:
      self._source.lines(part)  # What is wrong with the text is said before anything is written.
    try:
      self.download_and_prepare(download_config=tfds.download.DownloadConfig(try_download_gcs=False))
    except (OSError, tf.errors.OpError):
      if not self.data_path.exists():
        raise
    if not self.info.splits:
      self.info.read_from_directory(self.data_path)

  def _info(self) -> tfds.core.DatasetInfo:
    return tfds.core.DatasetInfo(
      builder=self,
      description="Lines of local text, in order.",
      features=tfds.features.FeaturesDict({"text": tfds.features.Text()}),
      disable_shuffling=True,
    )

  def _split_generators(self, dl_manager):
    del dl_manager
    return {name: self._generate_examples(part) for part, name in _SPLIT_NAMES.items()}

  def _generate_examples(self, split: str):
    for number, line in enumerate(self._source.lines(split)):
      yield number, {"text": line}
