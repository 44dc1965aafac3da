"""Measures the real window against its frame budget: ``rmapexplorer bench --gui``."""
