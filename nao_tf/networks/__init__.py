"""Networks that genotypes describe: image networks of cells, and language models of recurrent cells."""
