"""Workloads of the letter's time and after as parameters: W1 to W9, at any size, as operations or as a session."""
