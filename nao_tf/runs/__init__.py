"""What a run leaves on disk: journals, settings and reports."""
