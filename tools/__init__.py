"""The binaries: each parses flags, builds, calls and reports."""
