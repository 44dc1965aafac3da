"""One piece of work in a process of its own: ``python -m rmapexplorer.bench NAME ARGUMENTS`` prints its figures as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from rmapexplorer.bench import calls


def work(name: str) -> Callable[..., dict[str, Any]]:
    """What has that name; the engine is read only where it is measured, since each piece of work starts a process."""
    if name in calls.WORK:
        return calls.WORK[name]
    from rmapexplorer.bench import growth

    return growth.WORK[name]


def _peak() -> float:
    # MB; getrusage would count what the parent had before we were a program of our own
    with open("/proc/self/status", encoding="utf-8", errors="replace") as file:
        kilobytes = next((line.split()[1] for line in file if line.startswith("VmHWM:")), "0")
    return int(kilobytes) * 1024 / 1e6


def main() -> int:
    """What the arguments say."""
    name, arguments = sys.argv[1:]
    try:
        found = work(name)(**json.loads(arguments))
    except MemoryError:
        print("it does not fit into memory", file=sys.stderr)
        return 1
    print(json.dumps(found | {"peak": _peak()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
