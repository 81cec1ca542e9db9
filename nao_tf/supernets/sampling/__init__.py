"""Searches that sample a path through shared weights for each step: ENAS and random search with weight sharing."""
