"""The window. Depends on everything above; nothing depends on it."""
