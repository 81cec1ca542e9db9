"""Moving architectures uphill in the memory of a controller (Luo et al., NeurIPS 2018, section 3.3, equation 2).

h_t' = normalize(h_t + eta * d f / d h_t) for every state of the memory: f is the predicted score and the target grows
with quality, so eta is positive. The decoder then starts from the embedding of the moved memory and attends to it.
"""

from collections.abc import Sequence

import tensorflow as tf

from nao_tf.controller.controller import Controller

_ALONG = ("score", "logit")


def ascend(
  controller: Controller,
  tokens,
  step_sizes: Sequence[float],
  *,
  along: str = "score",
  unit_gradient: bool = False,
  num_steps: int = 1,
  temperature=None,
  seed=(0, 0),
) -> tf.Tensor:
  """Returns what the decoder writes for architectures that were moved uphill, one row for each step size.

  Args:
    controller: trained.
    tokens: architectures to start from, [B, L] or [*prefix, B, L].
    step_sizes: eta, S of them.
    along: see `move`.
    unit_gradient: see `move`.
    num_steps: see `move`.
    temperature: None for the likeliest tokens, or see `Controller.decode`.
    seed: see `Controller.decode`.

  Returns:
    Candidates, int32 [S, *prefix, B, L]: legal token by token, possibly equal to each other or to where they come from.
  """
  memory = controller.encode(tokens)
  moved = move(controller, memory, step_sizes, along=along, unit_gradient=unit_gradient, num_steps=num_steps)
  return controller.decode(moved, temperature, seed)


def move(
  controller: Controller,
  memory,
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
    step_sizes: eta, S of them; a negative one moves downhill.
    along: "score", the predicted score in (0, 1), as published, or "logit", what the sigmoid is taken of, whose
      gradient does not vanish for scores near 0 or 1.
    unit_gradient: whether the gradient of every state is first scaled to unit length; eta is then relative to the
      states, which have unit length as well.
    num_steps: steps that eta is divided among, each along the gradient where the last one ended.

  Returns:
    Unit vectors, [S, *prefix, B, T, H].

  Raises:
    ValueError: if `along` or `num_steps` is not one of those above.
  """
  if along not in _ALONG:
    raise ValueError(f"along must be one of {', '.join(_ALONG)}, got {along!r}")
  if num_steps < 1:
    raise ValueError(f"num_steps must be at least 1, got {num_steps}")
  step_sizes = tf.convert_to_tensor(step_sizes, tf.float32)
  spec = tf.TensorSpec([*controller.prefix, None, controller.encoder.num_steps, controller.encoder.size], tf.float32)

  def graph(memory, step_sizes):
    return _move(controller, memory, step_sizes / num_steps, along, unit_gradient, num_steps)

  key = ("move", along, unit_gradient, num_steps)
  return controller.graphs.get(key, graph, spec, tf.TensorSpec([None], tf.float32))(memory, step_sizes)


def _move(controller: Controller, memory, step_sizes, along: str, unit_gradient: bool, num_steps: int) -> tf.Tensor:
  step_sizes = tf.reshape(step_sizes, [-1, *memory.shape.rank * [1]])
  memory = memory + tf.zeros_like(step_sizes)
  for _ in range(num_steps):
    gradient = _gradient(controller, memory, along)
    if unit_gradient:
      gradient = tf.math.l2_normalize(gradient, axis=-1, epsilon=1e-30)
    memory = tf.math.l2_normalize(memory + step_sizes * gradient, axis=-1)
  return memory


def _gradient(controller: Controller, memory: tf.Tensor, along: str) -> tf.Tensor:
  """Returns the gradient of each architecture's own score with respect to its memory, shaped like the memory."""
  predict = controller.predict_score if along == "score" else controller.score_logits
  with tf.GradientTape() as tape:
    tape.watch(memory)
    scores = predict(memory)
  return tape.gradient(scores, memory)
