"""Benchmarks of strategies and oracles on tables, of the predictor alone, and of training step times."""
