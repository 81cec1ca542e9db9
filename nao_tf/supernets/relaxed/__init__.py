"""Relaxed networks: every edge of a cell is a mixture of all operations, and the weights of the mixtures are trained.

Source: Liu et al., "DARTS: Differentiable Architecture Search", ICLR 2019; Xie et al., "SNAS: Stochastic Neural
Architecture Search", ICLR 2019.
"""
