"""Training: trainers, their configurations, optimizers, weight averaging, checkpoints, distribution and determinism."""
