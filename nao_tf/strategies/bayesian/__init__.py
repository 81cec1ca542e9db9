"""Bayesian optimization of networks: a Gaussian process over distances between architectures."""
