"""``python -m rmapexplorer.claims FOLDER``: write all scenarios anew below FOLDER, which is ``resources`` in a checkout."""

from __future__ import annotations

import sys

from rmapexplorer.claims.catalogue import write_scenarios

if __name__ == "__main__":
    for path in write_scenarios(sys.argv[1] if len(sys.argv) > 1 else "resources"):
        print(path)
