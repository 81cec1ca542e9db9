"""Weight sharing: supernets, and how they are trained and scored."""
