"""Neural Architecture Optimization for TensorFlow and Keras.

A search is space x strategy x evaluator, joined by `nao_tf.search.loop.run_search`. Importing this package imports no
TensorFlow; the modules that need it do.
"""
