"""The search loop, and the re-ranking of what it found."""
