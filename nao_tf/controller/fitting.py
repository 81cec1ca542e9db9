"""Fitting a controller: many optimization steps in one graph.

Minibatches are drawn inside the graph, without replacement within a pass, from seeds that are a function of the
caller's seed and the number of the step: the same call gives the same weights, bit for bit. A pool of any size uses the
same graph.
"""

import dataclasses
import functools
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from nao_tf.controller.controller import Controller, seed_pair

_LOSSES = ("loss", "score_loss", "token_loss")


class TrainingDiverged(ArithmeticError):
  """The loss of a controller is no longer finite; its weights are of no use."""


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


def fit_controller(
  controller: Controller,
  tokens,
  targets,
  *,
  num_steps: int,
  batch_size: int | None = None,
  seed: int = 0,
  unlabeled=None,
  chunk_size: int = 100,
  progress: Callable[[int, float], None] | None = None,
) -> FitHistory:
  """Trains a controller on scored architectures, starting from its weights.

  What is not an argument comes from the controller's configuration. Members draw their own minibatches. The optimizer
  starts afresh if the configuration says so.

  Args:
    controller: compiled; changed in place.
    tokens: of scored architectures [N, L], or several encodings of each [K, N, L], of which every step draws one.
    targets: in [0, 1], higher is better, [N].
    num_steps: optimization steps.
    batch_size: scored architectures in a step; with fewer than that, some are in it twice. None: the configured one.
    seed: of minibatches, encodings and dropout.
    unlabeled: tokens of architectures without a score, [U, L] or [K, U, L], from which steps that train the decoder
      take `unlabeled_batch_size` more; None: none.
    chunk_size: steps between two looks at the loss.
    progress: called as progress(steps done, mean loss of the last chunk) after each chunk.

  Raises:
    TrainingDiverged: if a loss is not finite.
    ValueError: if the arrays do not fit each other.
  """
  settings, pools = controller.settings, _pools(controller, tokens, targets, unlabeled)
  graph = _graph(controller, batch_size or settings.batch_size, with_unlabeled=len(pools[2][0]) > 0)
  if settings.reset_optimizer:
    reset_optimizer(controller)
  chunks = []
  for start in range(0, num_steps, chunk_size):
    span = tf.constant([start, min(chunk_size, num_steps - start), num_steps], tf.int32)
    chunks.append(graph(*pools, span, seed_pair((seed, controller.seed))).numpy())
    _check_finite(chunks[-1], start)
    if progress is not None:
      progress(start + len(chunks[-1]), float(chunks[-1][:, 0].mean()))
  history = np.concatenate(chunks) if chunks else np.zeros((0, len(_LOSSES), *controller.prefix), np.float32)
  return FitHistory(**{name: history[:, index] for index, name in enumerate(_LOSSES)})


def reset_optimizer(controller: Controller) -> None:
  """Sets what the optimizer has gathered, moments and the count of steps, to zero and keeps its learning rate."""
  for variable in optimizer_variables(controller):
    if "learning_rate" not in variable.name:
      variable.assign(tf.zeros_like(tf.convert_to_tensor(variable)))


def optimizer_variables(controller: Controller) -> list:
  """Returns the variables of the controller's optimizer."""
  variables = controller.optimizer.variables
  return list(variables() if callable(variables) else variables)


def num_traces(controller: Controller) -> int:
  """Returns how many graphs `fit_controller` has traced for this controller: one per batch size."""
  return controller.graphs.num_traces("fit")


def _pools(controller: Controller, tokens, targets, unlabeled) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
  length = controller.vocabulary.length
  tokens, targets = _encodings(tokens, length), np.asarray(targets, np.float32)
  unlabeled = np.zeros((1, 0, length), np.int32) if unlabeled is None else _encodings(unlabeled, length)
  if not tokens.shape[1] or targets.shape != (tokens.shape[1],):
    raise ValueError(f"expected one target for each of 1 or more architectures, got {targets.shape} for {tokens.shape}")
  return tf.constant(tokens), tf.constant(targets), tf.constant(unlabeled)


def _encodings(tokens, length: int) -> np.ndarray:
  tokens = np.asarray(tokens, np.int32)
  if tokens.ndim not in (2, 3) or tokens.shape[-1] != length:
    raise ValueError(f"expected tokens [N, {length}] or [K, N, {length}], got shape {tokens.shape}")
  return tokens if tokens.ndim == 3 else tokens[np.newaxis]


def _check_finite(losses: np.ndarray, start: int) -> None:
  bad = np.flatnonzero(~np.isfinite(losses[:, 0].reshape(len(losses), -1)).all(axis=1))
  if len(bad):
    raise TrainingDiverged(f"the loss of step {start + bad[0]} is {losses[bad[0], 0]}; a lower learning_rate may help")


def _graph(controller: Controller, batch_size: int, *, with_unlabeled: bool) -> Callable:
  """Returns the training loop; sizes of batches are part of the graph, for shapes that are known make it faster."""
  pool = tf.TensorSpec([None, None, controller.vocabulary.length], tf.int32)
  specs = pool, tf.TensorSpec([None]), pool, tf.TensorSpec([3], tf.int32), tf.TensorSpec([2], tf.int32)
  sizes = batch_size, controller.settings.unlabeled_batch_size if with_unlabeled else 0
  return controller.graphs.get(("fit", *sizes), functools.partial(_loop, controller, sizes), *specs)


def _loop(controller: Controller, sizes: tuple[int, int], tokens, targets, unlabeled, span, seed) -> tf.Tensor:
  """Takes steps span[0] to span[0] + span[1] of a fit of span[2].

  Returns:
    Losses, [span[1], 3, *prefix].
  """
  start, count, total = tf.unstack(span)
  losses = tf.TensorArray(tf.float32, count, element_shape=[len(_LOSSES), *controller.prefix])

  def body(i, losses):
    step = start + i
    _set_learning_rate(controller, step, total)
    return i + 1, losses.write(i, _step(controller, sizes, (tokens, targets, unlabeled), step, seed))

  return tf.while_loop(lambda i, _: i < count, body, (0, losses), parallel_iterations=1)[1].stack()


def _set_learning_rate(controller: Controller, step: tf.Tensor, total: tf.Tensor) -> None:
  final, initial = controller.settings.final_learning_rate, controller.settings.learning_rate
  if final != 1:
    cosine = 0.5 + 0.5 * tf.cos(np.pi * tf.cast(step / total, tf.float32))
    controller.optimizer.learning_rate.assign(initial * (final + (1 - final) * cosine))


def _step(controller: Controller, sizes: tuple[int, int], pools, step: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
  every = controller.settings.decoder_every
  whole = functools.partial(_update, controller, sizes, pools, step, seed, with_decoder=True)
  if every == 1:
    return whole()
  short = functools.partial(_update, controller, (sizes[0], 0), pools, step, seed, with_decoder=False)
  return tf.cond(step % every == 0, whole, short)


def _update(controller: Controller, sizes: tuple[int, int], pools, step, seed, *, with_decoder: bool) -> tf.Tensor:
  """Takes one step and returns its losses, [3, *prefix]."""
  tokens, targets, unlabeled = pools
  batch, chosen = draw(tokens, step, sizes[0], _fold_in(seed, 0), controller.prefix)
  targets = tf.gather(targets, chosen)
  weights = tf.ones_like(targets)
  if sizes[1]:
    number = step // controller.settings.decoder_every
    more, _ = draw(unlabeled, number, sizes[1], _fold_in(seed, 1), controller.prefix)
    nothing = tf.zeros_like(more[..., 0], tf.float32)
    batch = tf.concat([batch, more], axis=-2)
    targets, weights = tf.concat([targets, nothing], axis=-1), tf.concat([weights, nothing], axis=-1)
  losses = controller.update(batch, targets, weights, _fold_in(_fold_in(seed, 2), step), with_decoder=with_decoder)
  return tf.stack([losses[name] for name in _LOSSES])


def draw(
  pool: tf.Tensor, step: tf.Tensor, batch_size: int, seed: tf.Tensor, prefix: tuple[int, ...] = ()
) -> tuple[tf.Tensor, tf.Tensor]:
  """Draws a minibatch, without replacement within a pass over the pool.

  Each pass has an order of its own; what does not fill a batch at its end is left out. If the pool is smaller than a
  batch, the pass is repeated until the batch is full.

  Args:
    pool: encodings of sequences, [K, N, L].
    step: number of the minibatch.
    batch_size: B.
    seed: integers [2].
    prefix: () or (ensemble_size,), each of which draws by itself.

  Returns:
    Tokens [*prefix, B, L], a random encoding of each sequence, and the sequences' places in the pool [*prefix, B].
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


def _fold_in(seed: tf.Tensor, number) -> tf.Tensor:
  return tf.random.experimental.stateless_fold_in(seed, number)
