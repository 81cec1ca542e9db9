"""Networks built from genotypes: image networks of cells, and language models of recurrent cells."""
