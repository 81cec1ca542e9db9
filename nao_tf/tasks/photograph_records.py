"""Photographs of a prepared set of TensorFlow Datasets, whose files (shards) are read side by side.

In a training the order of the shards is another one in each epoch, several are read at a time, and a buffer of bounded
size shuffles what comes from them. Images leave this module as they were stored.
"""

import os
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from nao_tf.tasks.image_sources import TfdsSource, readable
from nao_tf.tasks.pixels import BYTES
from nao_tf.tasks.splits import shuffle_stream
from nao_tf.training.fixed_parallelism import with_fixed_parallelism

BUFFER_BYTES = 2**29
"""How many bytes of photographs are shuffled at a time, about."""

_SHARDS_AT_A_TIME = 16
_LABELS_BATCH = 4096


class PhotographRecords(TfdsSource):
  """Photographs of a set of TensorFlow Datasets; a `nao_tf.tasks.photograph_sources.PhotographSource`.

  Attributes:
    image_shape: height, width and channels of the images that networks see.
    labels: names of the classes.
    pixels: those of decoded images.
    num_bytes: 0: they are not read into memory.
    fingerprint: what tells these photographs from others, as JSON values by name: name and version of the set.
  """

  pixels = BYTES

  def __init__(self, name: str, *, data_dir: str | None = None, image_size: int, download: bool = False):
    """Opens a prepared set.

    Args:
      name: name of the set in TensorFlow Datasets.
      data_dir: directory of prepared sets; None for the default of TensorFlow Datasets.
      image_size: height and width of the images that networks see.
      download: whether to download and prepare the set if it is missing.

    Raises:
      ValueError: if there is no such set, its examples are not photographs with one class each, or it is stored in
        another format than TFRecord.
      FileNotFoundError: if the set is missing, or one of its files is.
    """
    super().__init__(name, data_dir=data_dir, image_size=image_size, download=download)
    if self._dtype not in ("uint8", "uint16"):
      raise ValueError(f"{name}: its images are {self._dtype}, so they are not photographs")
    if self._builder.info.file_format != tfds.core.FileFormat.TFRECORD:
      raise ValueError(f"{name}: photographs are read from TFRecord files, got {self._builder.info.file_format}")
    self.image_shape, self.num_bytes = (image_size, image_size, 3), 0
    self.fingerprint = {"photographs": self._builder.info.full_name}
    for split in ("train", "test"):
      self._check_files(split)

  def classes(self, split: str) -> np.ndarray:
    """Returns the classes in the order of the shards, after reading all of the split.

    Raises:
      ValueError: if the files of the split are damaged.
    """
    name = self._name_of(split)
    if name is None:
      return np.empty(0, np.int32)
    features = tfds.decode.PartialDecoding({self._label_key: True}).extract_features(self._builder.info.features)
    records = tf.data.TFRecordDataset(self._paths(name), num_parallel_reads=None)
    labels = records.map(lambda record: features.deserialize_example(record)[self._label_key], tf.data.AUTOTUNE)
    with readable(self._builder, name):
      return np.concatenate([*with_fixed_parallelism(labels.batch(_LABELS_BATCH)).as_numpy_iterator()]).astype(np.int32)

  def contents(
    self, split: str, chosen: np.ndarray | None, seed: tf.Tensor | None, first: tf.Tensor | int = 0
  ) -> tf.data.Dataset:
    """Returns photographs; see `nao_tf.tasks.photograph_sources.PhotographSource.contents`.

    The records of those that are left out are read, but not parsed.
    """
    name = self._name_of(split)
    if name is None:
      return self._no_contents()
    wanted = np.ones(self.num_examples(split), bool)
    if chosen is not None:
      wanted[:] = False
      wanted[chosen] = True
    records = self._records(name, wanted, seed)
    if seed is not None:
      records = shuffle_stream(records, min(self._buffer(name), max(1, int(wanted.sum()))), seed)
    records = records.skip(tf.cast(first, tf.int64))
    return records.map(lambda number, record: self._content(name, number, record), tf.data.AUTOTUNE)

  def _records(self, name: str, wanted: np.ndarray, seed: tf.Tensor | None) -> tf.data.Dataset:
    """Returns the wanted records with their numbers; in a random order from several shards at a time."""
    lengths = np.asarray(self._builder.info.splits[name].shard_lengths, np.int64)
    firsts = np.cumsum(lengths) - lengths
    needed = [i for i, (first, length) in enumerate(zip(firsts, lengths)) if wanted[first : first + length].any()]
    paths, starts = (
      tf.constant([self._paths(name)[i] for i in needed], tf.string),
      tf.constant(firsts[needed], tf.int64),
    )
    order = tf.range(len(needed))
    order = order if seed is None else tf.random.experimental.stateless_shuffle(order, seed)
    kept = tf.constant(wanted)

    def of_shard(shard: tf.Tensor) -> tf.data.Dataset:
      records = tf.data.TFRecordDataset(paths[shard]).enumerate(starts[shard])
      return records if wanted.all() else records.filter(lambda number, _: kept[number])

    at_a_time = 1 if seed is None else _SHARDS_AT_A_TIME
    return tf.data.Dataset.from_tensor_slices(order).interleave(
      of_shard, cycle_length=at_a_time, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )

  def _content(self, name: str, number: tf.Tensor, record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    keys = {self._image_key: True, self._label_key: True}
    features = tfds.decode.PartialDecoding(keys).extract_features(self._builder.info.features)
    example = features.deserialize_example(record, decoders={self._image_key: tfds.decode.SkipDecoding()})
    place = tf.strings.join(["example ", tf.strings.as_string(number), f" of the split {name}"])
    return example[self._image_key], tf.cast(example[self._label_key], tf.int32), place

  def _no_contents(self) -> tf.data.Dataset:
    nothing: Any = (tf.constant([], tf.string), tf.constant([], tf.int32), tf.constant([], tf.string))
    return tf.data.Dataset.from_tensor_slices(nothing)

  def _buffer(self, name: str) -> int:
    """Returns how many photographs are shuffled at a time."""
    info = self._builder.info.splits[name]
    return max(1, int(BUFFER_BYTES * info.num_examples / max(1, int(info.num_bytes or 0))))

  def _paths(self, name: str) -> list[str]:
    return [os.fspath(path) for path in self._builder.info.splits[name].filepaths]

  def _check_files(self, split: str) -> None:
    name = self._name_of(split)
    missing = [path for path in (self._paths(name) if name else []) if not tf.io.gfile.exists(path)]
    if missing:
      raise FileNotFoundError(f"{self._builder.name}: there is no file {missing[0]} ({len(missing)} files are missing)")
