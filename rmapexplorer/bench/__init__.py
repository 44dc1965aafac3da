"""Measures the core on this machine, beside the kernel that runs it: ``rmapexplorer bench``. Needs no Qt."""
