"""NAO's encoder, predictor and decoder (Luo et al., NeurIPS 2018, section 3): they learn a space to move in."""
