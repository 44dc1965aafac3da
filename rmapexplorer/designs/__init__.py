"""The designs: ways to find every pte that maps a page. One file each; see ``DESIGNS`` in registry.py."""
