"""The larger commands of the terminal, one module each."""
