"""Runs commands for tests: one process imports everything, and forks for each command."""
