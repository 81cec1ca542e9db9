"""Moving architectures uphill in the memory of a controller (Luo et al., NeurIPS 2018, section 3.3, equation 2).

h_t' = normalize(h_t + eta * d f / d h_t) for every state h_t of the memory. f is the predicted score. Targets grow with
quality, so eta is positive. The decoder then starts from the embedding of the moved memory and attends to it.
"""

from collections.abc import Sequence

import tensorflow as tf

from nao_tf.controller.controller import Controller, Seed, TensorLike

_ALONG = ("score", "logit")


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
  """Moves architectures uphill and decodes the moved memories, one row for each step size.

  Args:
    controller: a trained controller.
    tokens: architectures to start from, [B, L] or [*prefix, B, L].
    step_sizes: eta, S step sizes.
    along: see `move`.
    unit_gradient: see `move`.
    num_steps: see `move`.
    temperature: None for the likeliest tokens; otherwise see `Controller.decode`.
    seed: see `Controller.decode`.

  Returns:
    Candidates, int32 [S, *prefix, B, L]. Each token is legal at its position. Candidates may be equal to one another or
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
) -> tf.Tensor:
  """Moves every state of a memory along the gradient of the predicted score.

  Args:
    controller: predicts the score.
    memory: unit vectors, [*prefix, B, T, H].
    step_sizes: eta, S step sizes. A negative one moves downhill.
    along: function to follow. "score": the predicted score in (0, 1), as published. "logit": the score before the
      sigmoid. Its gradient does not vanish for scores near 0 or 1.
    unit_gradient: whether the gradient of every state is first scaled to unit length. eta is then relative to the
      states, which have unit length as well.
    num_steps: number of steps that eta is divided among. Each follows the gradient at the end of the last one.

  Returns:
    Unit vectors, [S, *prefix, B, T, H].

  Raises:
    ValueError: if `along` is unknown or `num_steps` is below 1.
  """
  if along not in _ALONG:
    raise ValueError(f"along must be one of {', '.join(_ALONG)}, got {along!r}")
  if num_steps < 1:
    raise ValueError(f"num_steps must be at least 1, got {num_steps}")

  def moved(memory: tf.Tensor, step_sizes: tf.Tensor) -> tf.Tensor:
    return _move(controller, memory, step_sizes / num_steps, along, unit_gradient, num_steps)

  memory_spec = tf.TensorSpec([*controller.prefix, None, controller.encoder.num_steps, controller.encoder.size])
  variant = (along, unit_gradient, num_steps)
  graph = controller.graphs.get("move", moved, memory_spec, tf.TensorSpec([None]), variant=variant)
  return graph(memory, tf.convert_to_tensor(step_sizes, tf.float32))


def _move(
  controller: Controller, memory: tf.Tensor, step_sizes: tf.Tensor, along: str, unit_gradient: bool, num_steps: int
) -> tf.Tensor:
  step_sizes = tf.reshape(step_sizes, [-1, *memory.shape.rank * [1]])
  memory = memory + tf.zeros_like(step_sizes)
  for _ in range(num_steps):
    memory = step(controller, memory, step_sizes, along, unit_gradient)
  return memory


def step(
  controller: Controller, memory: tf.Tensor, step_sizes: tf.Tensor, along: str, unit_gradient: bool
) -> tf.Tensor:
  """Returns a memory `[..., T, H]` one step further along the gradient. Step sizes are broadcast to it; see `move`."""
  gradient = _gradient(controller, memory, along)
  if unit_gradient:
    gradient = tf.math.l2_normalize(gradient, axis=-1, epsilon=1e-30)
  return tf.math.l2_normalize(memory + step_sizes * gradient, axis=-1)


def _gradient(controller: Controller, memory: tf.Tensor, along: str) -> tf.Tensor:
  """Returns the gradient of each architecture's own score with respect to its memory, in the shape of the memory."""
  predict = controller.predict_score if along == "score" else controller.score_logits
  with tf.GradientTape() as tape:
    tape.watch(memory)
    scores = predict(memory)
  return tape.gradient(scores, memory)
