"""Runs searches: the search loop, re-ranking, the final training of the winner, and reading recorded results."""
