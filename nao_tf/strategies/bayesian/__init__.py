"""Bayesian optimization of networks with a Gaussian process over distances between architectures."""
