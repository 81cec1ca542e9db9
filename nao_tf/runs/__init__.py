"""The files of a run: its journal, settings and report data."""
