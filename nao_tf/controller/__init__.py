"""The encoder-predictor-decoder of NAO (Luo et al., NeurIPS 2018, section 3): learns a space in which to move."""
