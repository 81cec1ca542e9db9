"""The commands. Each parses flags, calls the library and prints the results."""
