"""One-shot searches that sample one path of a supernet per step: ENAS and random search with weight sharing."""
