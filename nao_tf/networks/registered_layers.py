"""The layers of this package that files of Keras models may have. To import this module registers them with Keras.

    import nao_tf.networks.registered_layers

    model = keras.models.load_model("language_model.keras")

Without it, Keras says of such a file that it could not locate the class, or the module of the class.
`nao_tf.load_model("language_model.keras")` does both.
"""

from nao_tf.networks.drop_path import DropPath, DropPathSchedule
from nao_tf.networks.rnn_cell import RNNCell
from nao_tf.networks.tied_embedding import TiedEmbedding

__all__ = ["DropPath", "DropPathSchedule", "RNNCell", "TiedEmbedding"]
