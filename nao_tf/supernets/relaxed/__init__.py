"""Relaxed supernets: each edge of a cell is a mixture of all operations, whose architecture parameters are trained.

Source: Liu et al., "DARTS: Differentiable Architecture Search", ICLR 2019; Xie et al., "SNAS: Stochastic Neural
Architecture Search", ICLR 2019.
"""
