"""``python -m rmapexplorer``."""

from __future__ import annotations

import sys

from rmapexplorer.launch import main

if __name__ == "__main__":
    if getattr(sys, "frozen", False):
        import multiprocessing

        multiprocessing.freeze_support()  # work beside the window starts this file again where it is frozen
    sys.exit(main())
