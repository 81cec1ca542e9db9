"""The controller of NAO: encoder, performance predictor and decoder (Luo et al., NeurIPS 2018, section 3)."""
