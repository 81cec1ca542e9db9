"""Weight sharing: the weights of all architectures in one vector, and their training along the paths of a pool."""
