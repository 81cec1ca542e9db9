"""What tests of several folders share: toy spaces, tables and tasks."""
