import numpy as np
import tensorflow as tf

from nao_tf.networks.conventions import CONVENTIONS
from nao_tf.supernets.relaxed.mixed_operations import Candidates, MixedOperation, MixtureGraphs
from nao_tf.supernets.relaxed.relaxed_network import without_affine_norm

NAMES = ("zero", "max3x3", "identity", "dil_sep3x3")
CONVENTION = without_affine_norm(CONVENTIONS["darts"])
SHAPE = (None, 4, 4, 2)
STATE = tf.random.stateless_normal((3, 4, 4, 2), (0, 1))
SHARES = tf.constant([0.1, 0.2, 0.3, 0.4])


def built(layer):
  layer.build(SHAPE)
  return layer


def test_a_mixture_computes_what_its_candidates_compute_and_learns_as_they_do():
  graphs = MixtureGraphs()
  for seed in (1, 2):  # The second one is called with the graph of the first.
    mixed = built(MixedOperation(NAMES, 2, 1, CONVENTION, seed, graphs=graphs))
    candidates = built(Candidates(NAMES, 2, 1, CONVENTION, seed))
    gradients = []
    for layer in (mixed, candidates):
      with tf.GradientTape() as tape:
        outputs = layer(STATE, SHARES, training=True)
        loss = tf.reduce_sum(outputs**3)
      found = tape.gradient(loss, layer.trainable_weights)
      gradients.append((outputs, np.concatenate([np.reshape(gradient, -1) for gradient in found])))
    for ours, theirs in zip(*gradients):
      np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(mixed(STATE, SHARES), candidates(STATE, SHARES), rtol=1e-5, atol=1e-6)
    for ours, theirs in zip(mixed.operation(3).get_weights(), candidates.operations[3].get_weights()):
      np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_equal_mixtures_are_one_graph():
  graphs = MixtureGraphs()
  first, second = (built(MixedOperation(NAMES, 2, 1, CONVENTION, seed, graphs=graphs)) for seed in (1, 2))

  @tf.function(autograph=False)
  def both(state):
    with tf.GradientTape() as tape:
      loss = tf.reduce_sum(second(first(state, SHARES, training=True), SHARES, training=True))
    return tape.gradient(loss, [first.values, second.values])

  graph = both.get_concrete_function(STATE).graph
  called = [operation.get_attr("f").name for operation in graph.get_operations() if "PartitionedCall" in operation.type]
  assert len(called) == 4 and len(set(called)) == 2  # Forward and backward.


def test_operations_without_weights_can_be_mixed():
  mixed = built(MixedOperation(("zero", "identity"), 2, 1, CONVENTION, 0))
  np.testing.assert_allclose(mixed(STATE, tf.constant([0.5, 0.5]), training=True), STATE / 2)
