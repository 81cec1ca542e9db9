"""Gradient ascent on the embeddings of architectures (Luo et al., NeurIPS 2018, section 3.3, equation 2).

h_t' = normalize(h_t + eta * d f / d h_t) for every encoder output h_t, together called the memory. f is the predicted
score. Targets increase with quality, so eta is positive. The decoder is then initialized with the embedding of the
moved memory and attends to it.

f can also be an acquisition function of a Gaussian process over the embeddings: the expected improvement, or a
confidence bound.
"""

from collections.abc import Sequence

import tensorflow as tf

from nao_tf.controller import embedding_process
from nao_tf.controller.controller import Controller, Seed, TensorLike
from nao_tf.controller.embedding_process import WORTHS, EmbeddingBeliefs

_ALONG = ("score", "logit", *WORTHS)


def ascend(
  controller: Controller,
  tokens: TensorLike,
  step_sizes: Sequence[float],
  *,
  along: str = "score",
  unit_gradient: bool = False,
  num_steps: int = 1,
  temperature: TensorLike | None = None,
  seed: Seed = (0, 0),
) -> tf.Tensor:
  """Moves architectures by gradient ascent and decodes the results, for each step size.

  Args:
    controller: the trained controller.
    tokens: architectures to start from, [B, L] or [*prefix, B, L].
    step_sizes: eta, S step sizes.
    along: see `move`.
    unit_gradient: see `move`.
    num_steps: see `move`.
    temperature: None for the most likely tokens; otherwise see `Controller.decode`.
    seed: see `Controller.decode`.

  Returns:
    Candidates, int32 [S, *prefix, B, L]. Each token is legal at its position. Candidates may be equal to each other or
    to the architecture that they started from.
  """
  memory = controller.encode(tokens)
  moved = move(controller, memory, step_sizes, along=along, unit_gradient=unit_gradient, num_steps=num_steps)
  return controller.decode(moved, temperature, seed)


def move(
  controller: Controller,
  memory: TensorLike,
  step_sizes: Sequence[float],
  *,
  along: str = "score",
  unit_gradient: bool = False,
  num_steps: int = 1,
  beliefs: EmbeddingBeliefs | None = None,
) -> tf.Tensor:
  """Moves encoder outputs along the gradient of the predicted score, or of another function.

  Args:
    controller: the controller whose predictor defines the score.
    memory: encoder outputs, unit vectors [*prefix, B, T, H].
    step_sizes: eta, S step sizes. Negative ones descend.
    along: the function to ascend. "score": the predicted score in (0, 1), as published. "logit": the score before the
      sigmoid, whose gradient does not vanish for scores near 0 or 1. "improvement", "upper_bound" or "lower_bound": see
      `nao_tf.controller.embedding_process.worth`.
    unit_gradient: whether to normalize the gradient of each output to unit length. eta is then relative to the outputs,
      which have unit length as well.
    num_steps: number of steps that eta is divided into. Each follows the gradient at the end of the previous one.
    beliefs: the Gaussian process for an acquisition function; None for "score" and "logit".

  Returns:
    Unit vectors, [S, *prefix, B, T, H].

  Raises:
    ValueError: if `along` is unknown or lacks its beliefs, or `num_steps` is below 1.
  """
  if along not in _ALONG:
    raise ValueError(f"along must be one of {', '.join(_ALONG)}, got {along!r}")
  if num_steps < 1:
    raise ValueError(f"num_steps must be at least 1, got {num_steps}")
  if (along in WORTHS) != (beliefs is not None):
    raise ValueError(f"along={along} {'needs' if along in WORTHS else 'has no use for'} beliefs")

  def moved(memory: tf.Tensor, step_sizes: tf.Tensor, *beliefs: tf.Tensor) -> tf.Tensor:
    return _move(controller, memory, step_sizes / num_steps, along, unit_gradient, num_steps, beliefs)

  memory_spec = tf.TensorSpec([*controller.prefix, None, controller.encoder.num_steps, controller.encoder.size])
  variant = (along, unit_gradient, num_steps)
  belief_specs = () if beliefs is None else embedding_process.specs(controller)
  graph = controller.graphs.get("move", moved, memory_spec, tf.TensorSpec([None]), *belief_specs, variant=variant)
  return graph(memory, tf.convert_to_tensor(step_sizes, tf.float32), *(beliefs or ()))


def _move(
  controller: Controller,
  memory: tf.Tensor,
  step_sizes: tf.Tensor,
  along: str,
  unit_gradient: bool,
  num_steps: int,
  beliefs: Sequence[tf.Tensor],
) -> tf.Tensor:
  step_sizes = tf.reshape(step_sizes, [-1, *memory.shape.rank * [1]])
  memory = memory + tf.zeros_like(step_sizes)
  for _ in range(num_steps):
    memory = step(controller, memory, step_sizes, along, unit_gradient, beliefs)
  return memory


def step(
  controller: Controller,
  memory: tf.Tensor,
  step_sizes: tf.Tensor,
  along: str,
  unit_gradient: bool,
  beliefs: Sequence[tf.Tensor] = (),
) -> tf.Tensor:
  """Returns a memory `[..., T, H]` one step further along the gradient. Step sizes are broadcast to it; see `move`."""
  gradient = _gradient(controller, memory, along, beliefs)
  if unit_gradient:
    gradient = tf.math.l2_normalize(gradient, axis=-1, epsilon=1e-30)
  return tf.math.l2_normalize(memory + step_sizes * gradient, axis=-1)


def _gradient(controller: Controller, memory: tf.Tensor, along: str, beliefs: Sequence[tf.Tensor]) -> tf.Tensor:
  """Returns the gradient of each architecture's own score with respect to its memory, in the shape of the memory."""
  with tf.GradientTape() as tape:
    tape.watch(memory)
    scores = _followed(controller, memory, along, beliefs)
  return tape.gradient(scores, memory)


def _followed(controller: Controller, memory: tf.Tensor, along: str, beliefs: Sequence[tf.Tensor]) -> tf.Tensor:
  """Returns the value of the function to follow, for each architecture."""
  if along in WORTHS:
    return embedding_process.worth(memory, beliefs, along)
  return controller.predict_score(memory) if along == "score" else controller.score_logits(memory)
