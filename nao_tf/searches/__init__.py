"""The search loop and its driver, re-ranking, the winner, and reading what a search has left in its directory."""
