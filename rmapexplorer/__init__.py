"""rmapexplorer: an explorer of Linux reverse-mapping designs, 2.4 to 6.18."""

__version__ = "0.1.0"
