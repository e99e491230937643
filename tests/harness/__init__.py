"""How tests run commands: one process has imported everything, and forks one for each command."""
