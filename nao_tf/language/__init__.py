"""What language modelling needs beside its networks: text, recipe, training, weight averaging, export."""
