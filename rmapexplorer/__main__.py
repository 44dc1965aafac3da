"""``python -m rmapexplorer``."""

from __future__ import annotations

import sys

from rmapexplorer.cli import main

if __name__ == "__main__":
    sys.exit(main())
