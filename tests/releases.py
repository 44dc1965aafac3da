"""Session files as each release wrote them, kept with the digests of what they showed: they must open and show the same for ever.

At a release:

    python -m tests.releases 0.2.0

writes tests/data/releases/0.2.0.rmap with the code of that moment, and 0.2.0.json with a digest for each design: of how every
operation ended and of what every process sees of its memory at the end. Commit both; never change or delete them. Where a rule of
the kernel was put right since and a digest must change, say so in ``CHANGED`` of tests/test_releases.py, with the reason.

Those kept before the first numbered release carry the date and time of the landing they were written by.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from rmapexplorer.core import radix
from rmapexplorer.core.units import Machine
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import DESIGNS, design_named
from rmapexplorer.formats.codec import decode
from rmapexplorer.formats.session import Session, load_session, save_session

HERE = Path(__file__).parent / "data" / "releases"

LOG: list[dict[str, Any]] = [
    {"op": "spawn", "pid": 1, "comm": "init"},
    {"op": "mmap", "pid": 1, "span": [4060, 4100]},
    {"op": "mmap", "pid": 1, "span": [4100, 4112], "kind": "file-private", "file": "libc", "offset": 2},
    {"op": "mmap", "pid": 1, "span": [4120, 4128], "kind": "file-shared", "file": "data"},
    {"op": "mmap", "pid": 1, "span": [4140, 4146], "kind": "anon-shared"},
    {"op": "mmap", "pid": 1, "span": [9000, 9004], "flags": ["growsdown"], "label": "[stack]"},
    {"op": "touch", "pid": 1, "runs": [[4060, 4080, "w"], [4080, 4090, "r"], [4100, 4104, "w"], [4120, 4124, "w"], [4140, 4142, "w"]]},
    {"op": "touch", "pid": 1, "runs": [[8990, 8992, "w"]]},
    {"op": "fork", "pid": 1, "child": 2, "comm": "child"},
    {"op": "touch", "pid": 2, "runs": [[4062, 4070, "w"], [4121, 4123, "w"]]},
    {"op": "mremap", "pid": 2, "span": [4064, 4068], "new_pages": 4, "to": 5000},
    {"op": "touch", "pid": 1, "runs": [[4066, 4074, "w"]]},
    {"op": "clone", "pid": 2, "child": 3},
    {"op": "clone", "pid": 1, "child": 4, "thread": False},
    {"op": "mprotect", "pid": 1, "span": [4070, 4076], "prot": "r"},
    {"op": "touch", "pid": 1, "runs": [[4069, 4071, "w"]]},
    {"op": "mprotect", "pid": 1, "span": [4070, 4076], "prot": "rw"},
    {"op": "brk", "pid": 1, "start": 6000, "end": 6008},
    {"op": "touch", "pid": 1, "runs": [[6000, 6005, "w"]]},
    {"op": "brk", "pid": 1, "end": 6003},
    {"op": "madvise", "pid": 1, "span": [4076, 4078], "advice": "dontneed"},
    {"op": "madvise", "pid": 2, "span": [4072, 4074], "advice": "dontfork"},
    {"op": "fork", "pid": 2, "child": 5},
    {"op": "munmap", "pid": 2, "span": [4060, 4063]},
    {"op": "exec", "pid": 4, "comm": "sh"},
    {"op": "mmap", "pid": 4, "span": [100, 110]},
    {"op": "touch", "pid": 4, "runs": [[100, 104, "w"]]},
    {"op": "reclaim"},
    {"op": "touch", "pid": 5, "runs": [[4068, 4072, "w"]]},
    {"op": "reclaim", "pages": 4},
    {"op": "punch", "pid": 1, "file": "data", "offset": 1, "pages": 1},
    {"op": "ftruncate", "pid": 1, "file": "data", "pages": 5},
    {"op": "mremap", "pid": 4, "span": [100, 110], "new_pages": 12},
    {"op": "munmap", "pid": 9, "span": [1, 2]},
    {"op": "exit", "pid": 3},
    {"op": "exit", "pid": 2},
    {"op": "remap_file_pages", "pid": 1, "span": [4120, 4122], "offset": 3},
    {"op": "touch", "pid": 1, "runs": [[4120, 4122, "w"]]},
    {"op": "swapoff"},
    {"op": "ksm", "pid": 1},
]  # fmt: skip
"""Operations as files have them, the kinds that came later behind those that were there from the beginning."""


def session_now(name: str) -> Session:
    """The session of LOG, without the kinds of operations that this version does not know."""
    operations = []
    for item in LOG:
        try:
            operations.append(decode(dict(item)))
        except ValueError:
            continue
    machine = Machine(files={"libc": 32, "data": 8})
    return Session(
        title=f"kept by {name}", machine=machine, designs=(("pte_chain", {}), ("anon_vma_chain", {})), operations=tuple(operations),
        position=len(operations),
    )  # fmt: skip


def digest(key: str, session: Session) -> str:
    """Of how every operation ends under a design, and of what every process then sees of its memory."""
    w = World(design_named(key), session.machine)
    ended = [w.apply(op).error for op in session.operations]
    return hashlib.blake2b(repr((ended, sorted(_seen(w)))).encode(), digest_size=16).hexdigest()


def _seen(w: World) -> list[tuple[object, ...]]:
    # (pid, page number, readable .. executable, shared, file, its page, contents)
    out: list[tuple[object, ...]] = []
    for pid, task in w.tasks.items():
        mm = w.mms[task.mm]
        for row in mm.vmas if task.leader == pid else []:
            file, start, flags = int(w.vma.file[row]), int(w.vma.start[row]), int(w.vma.flags[row])
            for vpn in range(start, int(w.vma.end[row])):
                index = int(w.vma.pgoff[row]) + vpn - start if file >= 0 else 0
                name = w.files[file].name if file >= 0 else ""
                out.append((pid, vpn, flags & 15, name, index, _token(w, w.pt.get(mm.tables, vpn), file, index)))
    return out


def _token(w: World, entry: int, file: int, index: int) -> int:
    # the operation that last wrote the page, -1 for a guard page
    number = entry >> radix.ENTRY_SHIFT
    if entry & radix.MARKER:
        return -1
    if entry & radix.SWAP:
        return int(w.swap.token[number])
    if entry and not entry & radix.ZERO:
        return int(w.page.token[number])
    if file < 0:
        return 0
    cached = w.cache.get(w.files[file].cache, index)
    if cached & radix.SWAP:
        return int(w.swap.token[cached >> radix.ENTRY_SHIFT])
    return int(w.page.token[cached >> radix.ENTRY_SHIFT]) if cached else w.files[file].saved.get(index, 0)


def keep(name: str, folder: Path = HERE) -> None:
    """Write the two files of a release. :raises FileExistsError: it has them already."""
    path = folder / f"{name}.rmap"
    if path.exists():
        raise FileExistsError(f"{path} is kept already, and must stay what it is")
    folder.mkdir(exist_ok=True)
    save_session(session_now(name), str(path))
    session = load_session(str(path))
    digests = {kind.key: digest(kind.key, session) for kind in DESIGNS}
    path.with_suffix(".json").write_text(json.dumps(digests, indent=0) + "\n")


if __name__ == "__main__":
    keep(sys.argv[1], *(Path(folder) for folder in sys.argv[2:]))
