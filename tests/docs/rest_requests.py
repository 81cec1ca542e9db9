"""Turns requests of TensorFlow Serving's REST API into the tensors that its signatures take, by the rules of the API.

The row format has `instances`, one for each example: an object with a value for each input, or, if there is one input, its
value. The column format has `inputs`: an object with a batch for each input, or, if there is one input, its batch. A
request without `signature_name` is for `serving_default`. A number becomes of the type of its input.
"""

import numpy as np
import tensorflow as tf

FIELDS = {"signature_name", "instances", "inputs"}


def predict(model, request):
  """Calls the signature of a loaded SavedModel with a request; returns the outputs by name."""
  assert set(request) <= FIELDS and ("instances" in request) != ("inputs" in request)
  signature = model.signatures[request.get("signature_name", "serving_default")]
  specs = signature.structured_input_signature[1]
  batches = _columns(request["instances"], specs) if "instances" in request else request["inputs"]
  if not isinstance(batches, dict):
    assert len(specs) == 1, "a request without names is for a signature with one input"
    batches = dict.fromkeys(specs, batches)
  assert set(batches) == set(specs), f"expected the inputs {sorted(specs)}, got {sorted(batches)}"
  return signature(**{name: _tensor(batch, specs[name]) for name, batch in batches.items()})


def _columns(instances, specs):
  if all(isinstance(instance, dict) for instance in instances):
    assert all(set(instance) == set(specs) for instance in instances)
    return {name: [instance[name] for instance in instances] for name in specs}
  return instances


def _tensor(batch, spec):
  """Returns a batch as a tensor of a type and shape. Numbers that the type does not hold are refused."""
  values = np.array(batch)
  assert (values.dtype.kind == "U") == (spec.dtype == tf.string)
  tensor = tf.constant(batch, spec.dtype)
  assert spec.shape.is_compatible_with(tensor.shape), f"expected {spec}, got {tensor.shape}"
  return tensor
