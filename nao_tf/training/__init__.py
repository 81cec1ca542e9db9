"""Training: trainers and their configurations, optimizers, weight averaging, checkpoints, distribution and determinism."""
