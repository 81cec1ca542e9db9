"""Which version of Keras this is, for the few places where the two that are supported differ."""

from tensorflow import keras

IS_KERAS_3 = hasattr(keras, "__version__")
"""Whether the Keras of TensorFlow is Keras 3. Keras 2 does not state its version there."""
