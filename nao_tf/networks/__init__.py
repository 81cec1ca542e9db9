"""Networks that genotypes describe: operations, cells and the image network."""
