"""Benchmarks: strategies and oracles on tables, the predictor alone, and the times of training steps."""
