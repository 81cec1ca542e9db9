"""A TensorFlow Datasets builder for local text. A text is prepared once, and then read like any other set.

An example is a line. Examples keep the order of the text.
"""

from collections.abc import Iterator
from typing import Any

import tensorflow_datasets as tfds

from nao_tf.tasks.preparation import prepare
from nao_tf.tasks.text import LinesOfText, TextSource
from nao_tf.training.fixed_parallelism import with_fixed_parallelism

_SPLIT_NAMES = {"train": "train", "valid": "validation", "test": "test"}
_READ_BATCH = 1024


class LocalText(tfds.core.GeneratorBasedBuilder):
  """Lines of text, in order, from a source on this machine.

  The prepared set is in `<data_dir>/local_text/<name of the source>-<fingerprint>/1.0.0`, so a changed text is another
  set. It can be opened with `tfds.builder_from_directory`, too.
  """

  VERSION = tfds.core.Version("1.0.0")

  def __init__(self, *, source: TextSource, data_dir: str | None = None, **kwargs: Any):
    """Initializes the builder.

    Args:
      source: where the text comes from. It is read only if the set has not been prepared.
      data_dir: directory of prepared sets; None for the default of TensorFlow Datasets.
      **kwargs: arguments of `tfds.core.GeneratorBasedBuilder`.
    """
    self._source = source
    config = tfds.core.BuilderConfig(name=f"{source.name}-{source.fingerprint[:12]}", description="Lines of text.")
    super().__init__(config=config, data_dir=data_dir, **kwargs)

  @property
  def unwritten(self) -> LinesOfText:
    """The same lines, without preparing anything: those of the source, unless the set is prepared."""
    return self if self.info.splits else self._source

  def lines(self, split: str) -> list[str]:
    """Returns the lines of "train", "valid" or "test". Prepares the set if that has not been done.

    Raises:
      ValueError: if the text cannot be prepared.
    """
    if not self.info.splits:
      self._prepare()
    read_config = tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False)
    dataset = self.as_dataset(split=_SPLIT_NAMES[split], shuffle_files=False, read_config=read_config)
    batches = with_fixed_parallelism(dataset.batch(_READ_BATCH).prefetch(1)).as_numpy_iterator()
    return [line.decode("utf-8") for batch in batches for line in batch["text"]]

  def _prepare(self) -> None:
    """Prepares the set, unless another process does so first."""
    for split in _SPLIT_NAMES:
      self._source.lines(split)  # A malformed text is reported before anything is written.
    prepare(self, download_config=tfds.download.DownloadConfig(try_download_gcs=False))

  def _info(self) -> tfds.core.DatasetInfo:
    return tfds.core.DatasetInfo(
      builder=self,
      description="Lines of local text, in order.",
      features=tfds.features.FeaturesDict({"text": tfds.features.Text()}),
      disable_shuffling=True,
    )

  def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator[tuple[int, Any]]]:
    del dl_manager
    return {name: self._generate_examples(split) for split, name in _SPLIT_NAMES.items()}

  def _generate_examples(self, split: str) -> Iterator[tuple[int, dict[str, str]]]:
    for number, line in enumerate(self._source.lines(split)):
      yield number, {"text": line}
