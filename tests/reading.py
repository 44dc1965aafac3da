"""How long files take to be read, and how much memory: ``python -m tests.reading``, a table of generated files.

Each file is read in a process of its own, forked when all is imported: CPU seconds, MB of text a second, MB the
process had at most, and the longest CPU time in which nobody asked whether the user had cancelled. A file of up to 10 MB
should be answered within 2 s, a larger one at 20 MB/s.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

from tests.hostile import fresh_peak, peak

HEAD = {"format": "rmapexplorer session", "version": 1, "title": "t", "position": 0}
SIZES = (1, 5, 9, 20, 50)
"""MB."""
LINES = 99_990
"""Of a script, below its limit."""


def _calls(n: int) -> dict[str, Any]:
    # one of every kind of operation in turn, numbers of the usual length
    span = [0x7F0000000 + 16 * n, 0x7F0000008 + 16 * n]
    return (
        {"op": "fork", "pid": 1, "child": n + 2},
        {"op": "mmap", "pid": 1, "span": span},
        {"op": "touch", "pid": 1, "runs": [[span[0], span[0] + 4, "w"]]},
        {"op": "mmap", "pid": 1, "span": span, "prot": "rx", "kind": "file-private", "file": "libc.so.6", "offset": 4},
        {"op": "madvise", "pid": 1, "span": span, "advice": "dontneed"},
        {"op": "mprotect", "pid": 1, "span": span, "prot": "r"},
        {"op": "mremap", "pid": 1, "span": span, "new_pages": 16, "to": span[0] + 99},
        {"op": "exec", "pid": 1, "comm": "sh"},
        {"op": "brk", "pid": 1, "end": span[0]},
        {"op": "clone", "pid": 1, "child": n + 2, "thread": False},
        {"op": "munmap", "pid": 1, "span": span},
        {"op": "mlock", "pid": 1, "span": span, "onfault": True},
        {"op": "reclaim", "pages": 7},
        {"op": "exit", "pid": n + 2},
    )[n % 14]


OPERATIONS: dict[str, Callable[[int], dict[str, Any]]] = {
    "all kinds": _calls,
    "labels": lambda n: {"op": "mmap", "pid": 1, "span": [16 + 2 * n, 17 + 2 * n], "label": f"[anon:l{n}]"},
    "touches": lambda n: {"op": "touch", "pid": 1, "runs": [[16 + 2 * n, 17 + 2 * n, "w"]]},
    "runs": lambda n: {"op": "touch", "pid": 1, "runs": [[16 + n, 1_000_000 + n, "w"], [16 + n, 2_000_000 + n, "r"]] * 50},
    "processes": lambda n: {"op": "fork", "pid": 1, "child": n + 2} if n % 2 else {"op": "exit", "pid": n + 1},
    "branches": lambda n: {"op": "touch", "pid": 1, "runs": [[16, 17, "w"]], "after": n // 2 - 1},
}  # fmt: skip
LINE: dict[str, Callable[[int], str]] = {
    "touch": lambda n: f"touch 1 {16 + n:x} w",
    "spawn": lambda n: f"spawn {n + 1}",
    "mmap": lambda n: f"mmap 1 {16 + 9 * n:x}-{24 + 9 * n:x} rw private",
    "file": lambda n: f'mmap 1 {16 + 9 * n:x}-{24 + 9 * n:x} rx private file "libc.so" offset 4 label "x"',
    "names": lambda n: f"touch p a10 + {n:x} w" if n else "let p = 1",
    "wrong": lambda n: f"touch 1 {16 + n:x} q",
}


def session(kind: str, size: int, spaced: bool = False) -> bytes:
    """A session of about so many bytes, written as we write one; ``spaced`` as other programs do."""
    separators = None if spaced else (",", ":")
    lines: list[str] = []
    for n in count():
        lines.append(json.dumps(OPERATIONS[kind](n), separators=separators))
        size -= len(lines[-1]) + 2
        if size < 0:
            break
    text = json.dumps(HEAD)[:-1] + ',\n"operations": [\n' + (", " if spaced else ",\n").join(lines) + "\n]}\n"
    return text.encode()


def files(sizes: tuple[int, ...]) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of all of them."""
    for kind in OPERATIONS:
        for size in sizes:
            yield f"{kind}, {size} MB", session(kind, size * 1_000_000)
    yield "all kinds with blanks, 9 MB", session("all kinds", 9_000_000, spaced=True)
    yield (
        "100,000 notes",
        json.dumps(HEAD | {"notes": [[0, f"b{n}"] for n in range(100_000)], "operations": []}).encode(),
    )
    for kind, line in LINE.items():
        yield f"script: {kind}", ("# rmapexplorer script\n" + "\n".join(map(line, range(LINES)))).encode()


def taken(path: Path) -> tuple[float, float, int, str]:
    """CPU seconds to read the file, the longest of them without a question, MB at most, what is said of it."""
    from rmapexplorer.core.room import bounded
    from rmapexplorer.formats.errors import FormatError
    from rmapexplorer.formats.open import load_any

    asked = [began := time.process_time()]

    def cancelled() -> bool:
        asked.append(time.process_time())
        return False

    said = "read"
    fresh_peak()
    with bounded():
        try:
            load_any(str(path), cancelled=cancelled)
        except FormatError as error:
            said = str(error).removeprefix(str(path))
    asked.append(time.process_time())
    return asked[-1] - began, max(b - a for a, b in zip(asked, asked[1:], strict=False)), peak(), said


def apart(path: Path) -> tuple[float, float, int, str]:
    """The same in a process of its own."""
    here, there = os.pipe()
    child = os.fork()
    if not child:
        os.write(there, json.dumps(taken(path)).encode())
        os._exit(0)
    os.close(there)
    with os.fdopen(here) as pipe:
        found = json.load(pipe)
    os.waitpid(child, 0)
    return tuple(found)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.reading", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="MB")
    parser.add_argument("--only", default="", help="files whose names have this in them")
    options = parser.parse_args()
    import rmapexplorer.formats.open  # noqa: F401 - before anybody is forked

    print(f"{'file':32} {'bytes':>11} {'CPU s':>6} {'MB/s':>6} {'silent':>6} {'MB':>4}")
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files(tuple(options.sizes)):
            if options.only in name:
                path = Path(folder) / f"x.rmap{'s' if name.startswith('script') else ''}"
                path.write_bytes(data)
                seconds, silent, megabytes, said = apart(path)
                rate = len(data) / 1e6 / seconds
                print(
                    f"{name:32} {len(data):11,} {seconds:6.2f} {rate:6.1f} {silent:6.2f} {megabytes:4} {said[:80]}",
                    flush=True,
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
