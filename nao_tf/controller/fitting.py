"""Fitting a controller: many optimization steps in one graph.

Minibatches are drawn inside the graph, without replacement within a pass. Their seeds depend only on the caller's seed
and the number of the step, so the same call gives the same weights, bit for bit. Training data of any size use the same
graph.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from nao_tf.controller.controller import Controller, TensorLike, seed_pair

_SHARE_OF_LAST = 10
_LOSSES = ("loss", "score_loss", "token_loss")


class TrainingDiverged(ArithmeticError):
  """Raised when the loss of a controller becomes NaN or infinite."""


@dataclasses.dataclass(frozen=True)
class FitHistory:
  """Losses before each step, [num_steps, *prefix].

  Attributes:
    loss: the joint loss.
    score_loss: mean squared error of the scores.
    token_loss: cross-entropy of the tokens; NaN in steps without the decoder.
  """

  loss: np.ndarray
  score_loss: np.ndarray
  token_loss: np.ndarray


class _Pools(NamedTuple):
  """Training data.

  Attributes:
    tokens: architectures with a score in K encodings, [K, N, L].
    targets: [N].
    unlabeled: architectures without a score, [K', U, L].
  """

  tokens: tf.Tensor
  targets: tf.Tensor
  unlabeled: tf.Tensor


class _BatchSizes(NamedTuple):
  """Numbers of architectures in a step, with and without a score."""

  labeled: int
  unlabeled: int


def fit_controller(
  controller: Controller,
  tokens: TensorLike,
  targets: TensorLike,
  *,
  num_steps: int,
  batch_size: int | None = None,
  seed: int = 0,
  unlabeled: TensorLike | None = None,
  chunk_size: int = 100,
  progress: Callable[[int, float], None] | None = None,
) -> FitHistory:
  """Trains a controller on architectures with a score, starting from its present weights.

  Everything else comes from the controller's configuration. The controllers of an ensemble draw their own minibatches.
  The optimizer starts afresh if the configuration says so.

  Args:
    controller: compiled; changed in place.
    tokens: architectures with a score [N, L], or several encodings of each [K, N, L]. Every step draws one encoding.
    targets: scores to predict, in [0, 1], higher is better, [N].
    num_steps: number of optimization steps.
    batch_size: architectures with a score in a step. If there are fewer, some are in it twice. None: as configured.
    seed: seed of minibatches, encodings and dropout.
    unlabeled: architectures without a score, [U, L] or [K, U, L]. Steps that train the decoder take
      `unlabeled_batch_size` of them in addition. None: there are none.
    chunk_size: number of steps between two checks of the loss.
    progress: called after each chunk as progress(steps done, mean loss of the chunk).

  Returns:
    The losses of each step.

  Raises:
    TrainingDiverged: if a loss is not finite.
    ValueError: if the shapes do not fit each other.
  """
  pools = _pools(controller, tokens, targets, unlabeled)
  sizes = _batch_sizes(controller, pools, batch_size)
  if controller.config.reset_optimizer:
    reset_optimizer(controller)
  chunks = []
  for start in range(0, num_steps, chunk_size):
    span = tf.constant([start, min(chunk_size, num_steps - start), num_steps], tf.int32)
    losses = _graph(controller, sizes)(*pools, span, seed_pair((seed, controller.seed))).numpy()
    _check_finite(losses, start)
    chunks.append(losses)
    if progress is not None:
      progress(start + len(losses), float(losses[:, 0].mean()))
  history = np.concatenate(chunks) if chunks else np.zeros((0, len(_LOSSES), *controller.prefix), np.float32)
  return FitHistory(**{name: history[:, index] for index, name in enumerate(_LOSSES)})


def last_losses(history: FitHistory) -> dict[str, float]:
  """Returns the mean losses of the last tenth of a training, by the part of the controller that they are of."""
  if not len(history.loss):
    return {}
  count = max(1, len(history.loss) // _SHARE_OF_LAST)
  means = {
    "controller_loss": history.loss[-count:].mean(),
    "predictor_loss": history.score_loss[-count:].mean(),
    "decoder_loss": _mean_without_nan(history.token_loss[-count:]),
  }
  return {name: float(mean) for name, mean in means.items() if np.isfinite(mean)}


def _mean_without_nan(losses: np.ndarray) -> float:
  known = losses[~np.isnan(losses)]
  return float(known.mean()) if known.size else float("nan")


def reset_optimizer(controller: Controller) -> None:
  """Sets the optimizer's moments and its count of steps to zero; keeps its learning rate."""
  for variable in optimizer_variables(controller):
    if "learning_rate" not in variable.name:
      variable.assign(tf.zeros_like(tf.convert_to_tensor(variable)))


def optimizer_variables(controller: Controller) -> list[tf.Variable]:
  """Returns the variables of the controller's optimizer."""
  variables = controller.optimizer.variables
  return list(variables() if callable(variables) else variables)


def num_traces(controller: Controller) -> int:
  """Returns how many graphs `fit_controller` has traced for this controller: one per batch size."""
  return controller.graphs.num_traces("fit")


def _pools(controller: Controller, tokens: TensorLike, targets: TensorLike, unlabeled: TensorLike | None) -> _Pools:
  length = controller.vocabulary.length
  tokens, targets = _encodings(tokens, length), np.asarray(targets, np.float32)
  unlabeled = np.zeros((1, 0, length), np.int32) if unlabeled is None else _encodings(unlabeled, length)
  if not tokens.shape[1] or targets.shape != (tokens.shape[1],):
    raise ValueError(f"expected one target for each of 1 or more architectures, got {targets.shape} for {tokens.shape}")
  return _Pools(tf.constant(tokens), tf.constant(targets), tf.constant(unlabeled))


def _encodings(tokens: TensorLike, length: int) -> np.ndarray:
  """Returns tokens [N, L] as one encoding, [1, N, L], and [K, N, L] unchanged."""
  array = np.asarray(tokens, np.int32)
  if array.ndim not in (2, 3) or array.shape[-1] != length:
    raise ValueError(f"expected tokens [N, {length}] or [K, N, {length}], got shape {array.shape}")
  return array if array.ndim == 3 else array[np.newaxis]


def _batch_sizes(controller: Controller, pools: _Pools, batch_size: int | None) -> _BatchSizes:
  has_unlabeled = pools.unlabeled.shape[1] > 0
  return _BatchSizes(
    labeled=batch_size or controller.config.batch_size,
    unlabeled=controller.config.unlabeled_batch_size if has_unlabeled else 0,
  )


def _check_finite(losses: np.ndarray, start: int) -> None:
  bad = np.flatnonzero(~np.isfinite(losses[:, 0].reshape(len(losses), -1)).all(axis=1))
  if len(bad):
    raise TrainingDiverged(f"the loss of step {start + bad[0]} is {losses[bad[0], 0]}; a lower learning_rate may help")


def _graph(controller: Controller, sizes: _BatchSizes) -> Callable[..., tf.Tensor]:
  """Returns the compiled training loop. Batch sizes are part of the graph: known shapes make it faster."""
  pool = tf.TensorSpec([None, None, controller.vocabulary.length], tf.int32)
  specs = pool, tf.TensorSpec([None]), pool, tf.TensorSpec([3], tf.int32), tf.TensorSpec([2], tf.int32)

  def loop(tokens: tf.Tensor, targets: tf.Tensor, unlabeled: tf.Tensor, span: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    return _loop(controller, sizes, _Pools(tokens, targets, unlabeled), span, seed)

  return controller.graphs.get("fit", loop, *specs, variant=sizes)


def _loop(controller: Controller, sizes: _BatchSizes, pools: _Pools, span: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
  """Takes some of the steps of a fit.

  Args:
    controller: changed in place.
    sizes: sizes of the batches.
    pools: training data.
    span: the first step to take, how many to take, and the number of steps of the whole fit.
    seed: two integers.

  Returns:
    Losses, [steps, 3, *prefix].
  """
  start, count, total = tf.unstack(span)
  losses = tf.TensorArray(tf.float32, count, element_shape=[len(_LOSSES), *controller.prefix])

  def body(i: tf.Tensor, losses: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
    step = start + i
    _set_learning_rate(controller, step, total)
    return i + 1, losses.write(i, _step(controller, sizes, pools, step, seed))

  return tf.while_loop(lambda i, _: i < count, body, (0, losses), parallel_iterations=1)[1].stack()


def _set_learning_rate(controller: Controller, step: tf.Tensor, total: tf.Tensor) -> None:
  final, initial = controller.config.final_learning_rate, controller.config.learning_rate
  if final != 1:
    cosine = 0.5 + 0.5 * tf.cos(np.pi * tf.cast(step / total, tf.float32))
    controller.optimizer.learning_rate.assign(initial * (final + (1 - final) * cosine))


def _step(controller: Controller, sizes: _BatchSizes, pools: _Pools, step: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
  """Takes one step, with the decoder if it is its turn, and returns its losses, [3, *prefix]."""
  every = controller.config.decoder_every
  whole = functools.partial(_update, controller, sizes, pools, step, seed, with_decoder=True)
  if every == 1:
    return whole()
  without_unlabeled = sizes._replace(unlabeled=0)
  short = functools.partial(_update, controller, without_unlabeled, pools, step, seed, with_decoder=False)
  return tf.cond(step % every == 0, whole, short)


def _update(
  controller: Controller, sizes: _BatchSizes, pools: _Pools, step: tf.Tensor, seed: tf.Tensor, *, with_decoder: bool
) -> tf.Tensor:
  """Takes one step and returns its losses, [3, *prefix]."""
  tokens, chosen = draw(pools.tokens, step, sizes.labeled, _fold_in(seed, 0), controller.prefix)
  targets = tf.gather(pools.targets, chosen)
  weights = tf.ones_like(targets)
  if sizes.unlabeled:
    number = step // controller.config.decoder_every
    more, _ = draw(pools.unlabeled, number, sizes.unlabeled, _fold_in(seed, 1), controller.prefix)
    zeros = tf.zeros_like(more[..., 0], tf.float32)
    tokens = tf.concat([tokens, more], axis=-2)
    targets, weights = tf.concat([targets, zeros], axis=-1), tf.concat([weights, zeros], axis=-1)
  losses = controller.update(tokens, targets, weights, _fold_in(_fold_in(seed, 2), step), with_decoder=with_decoder)
  return tf.stack([losses[name] for name in _LOSSES])


def draw(
  pool: tf.Tensor, step: tf.Tensor, batch_size: int, seed: TensorLike, prefix: tuple[int, ...] = ()
) -> tuple[tf.Tensor, tf.Tensor]:
  """Draws a minibatch, without replacement within a pass over the pool.

  Each pass has an order of its own. The rest at its end that does not fill a batch is left out. If the pool is smaller
  than a batch, the pass is repeated until the batch is full.

  Args:
    pool: encodings of sequences, [K, N, L].
    step: number of the minibatch.
    batch_size: size B of the minibatch.
    seed: two integers.
    prefix: () or (ensemble_size,). Each controller of an ensemble draws its own minibatch.

  Returns:
    Tokens [*prefix, B, L], a random encoding of each sequence, and the sequences' indices in the pool [*prefix, B].
  """
  num_encodings, count = tf.shape(pool)[0], tf.shape(pool)[1]
  batches = tf.maximum(count // batch_size, 1)
  keys = tf.random.stateless_uniform([*prefix, count], _fold_in(_fold_in(seed, 0), step // batches))
  places = (step % batches * batch_size + tf.range(batch_size)) % count
  chosen = tf.gather(tf.argsort(keys, axis=-1), places, axis=-1)
  encoding = tf.random.stateless_uniform(
    [*prefix, batch_size], _fold_in(_fold_in(seed, 1), step), 0, num_encodings, dtype=tf.int32
  )
  return tf.gather(tf.reshape(pool, [-1, pool.shape[-1]]), encoding * count + chosen), chosen


def _fold_in(seed: TensorLike, number: TensorLike) -> tf.Tensor:
  return tf.random.experimental.stateless_fold_in(seed, number)
